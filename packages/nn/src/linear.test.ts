import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectClose,
  expectCloseRelative,
  expectNoLeak,
  numbers,
  onEachBackend,
  runOp,
  toTensor,
  type Values,
} from '../test/backends.js';
import { readCases } from '../test/fixtures.js';
import { Conv1D } from './conv1d.js';
import { Linear, linear } from './linear.js';
import { Weights } from './weights.js';

const cases = readCases('linear');

/** [a, b] → [b, a] */
const turned = ({ values, shape: [rows, columns] }: Values): Values => ({
  values: Float32Array.from(
    values,
    (_, i) => values[(i % rows!) * columns! + Math.floor(i / rows!)]!,
  ),
  shape: [columns!, rows!],
});

onEachBackend(() => {
  describe.each(cases)('%s', (_, fixture) => {
    test('equals PyTorch: output within 1e-5 of its size, gradients within 1e-4', () => {
      const { input, weight, bias } = fixture;
      const inputs: Record<string, Values> = { input: input!, weight: weight! };
      if (bias !== undefined) inputs.bias = bias;
      const { output, gradients } = runOp(
        ({ input, weight, bias }) => linear(input!, weight!, bias),
        inputs,
        fixture.cotangent!,
      );
      expectCloseRelative(output, fixture.output!, 1e-6);
      expectClose(output, fixture.output!, 1e-5);
      for (const name of Object.keys(inputs)) {
        expectCloseRelative(gradients[name]!, fixture[`grad/${name}`]!);
      }
    });
  });

  test.each(cases)(
    '%s: a weight [in, out] gives the same, its gradient turned too',
    (_, fixture) => {
      const { input, weight, bias } = fixture;
      const inputs: Record<string, Values> = { input: input!, weight: turned(weight!) };
      if (bias !== undefined) inputs.bias = bias;
      const { output, gradients } = runOp(
        ({ input, weight, bias }) => linear(input!, weight!, bias, { transposed: true }),
        inputs,
        fixture.cotangent!,
      );
      expectClose(output, fixture.output!, 1e-5);
      expectCloseRelative(gradients.weight!, turned(fixture['grad/weight']!));
      expectCloseRelative(gradients.input!, fixture['grad/input']!);
      if (bias !== undefined) expectCloseRelative(gradients.bias!, fixture['grad/bias']!);
    },
  );

  test('no rows give no rows, and gradients of zero', () => {
    const inputs = { x: numbers([0, 3]), w: numbers([2, 3]), b: numbers([2]) };
    const { output, gradients } = runOp(({ x, w, b }) => linear(x, w, b), inputs);
    expect(output.shape).toEqual([0, 2]);
    expect(gradients.x.shape).toEqual([0, 3]);
    expect(Array.from(gradients.w.values, Math.abs)).toEqual(new Array(6).fill(0));
    expect(Array.from(gradients.b.values, Math.abs)).toEqual([0, 0]);
  });

  test('a wrong width of x or bias names both shapes', () => {
    const [x, w, b] = [numbers([4, 3]), numbers([2, 5]), numbers([3])].map(toTensor);
    expectNoLeak(() => {
      expect(() => linear(x!, w!)).toThrow(
        expect.objectContaining({ code: 'WRONG_SHAPE', message: expect.stringMatching(/5.*4,3/) }),
      );
      const transposed = tf.tidy(() => tf.zeros([4, 5]));
      expect(() => linear(transposed, w!, b)).toThrow(/bias \[2\].*not \[3\]/);
      transposed.dispose();
    });
    tf.dispose([x!, w!, b!]);
  });
});

test('the layer reads weight and bias of its scope, weight N(0, 0.02²) and bias 0', () => {
  const weights = new Weights({ seed: 3 });
  const layer = new Linear(weights.at('dense'), { inFeatures: 64, outFeatures: 32 });
  expect([...weights.parameters.keys()]).toEqual(['dense.weight', 'dense.bias']);
  expect(layer.weight.shape).toEqual([32, 64]);
  const drawn = Array.from(layer.weight.value.dataSync());
  const deviation = Math.sqrt(drawn.reduce((sum, v) => sum + v * v, 0) / drawn.length);
  expect(deviation).toBeCloseTo(0.02, 3);
  expect(Array.from(layer.bias!.value.dataSync())).toEqual(new Array(32).fill(0));
  const bare = new Linear(weights.at('bare'), { inFeatures: 2, outFeatures: 2, bias: false });
  expect(bare.bias).toBeUndefined();
  expect(weights.parameters.has('bare.bias')).toBe(false);
  weights.dispose();
  expect(tf.memory().numTensors).toBe(0);
});

test('Conv1D is a linear layer whose weight is [in, out]', () => {
  const weights = new Weights({ seed: 3 });
  const layer = new Conv1D(weights.at('c_fc'), { inFeatures: 3, outFeatures: 2 });
  expect([...weights.parameters.keys()]).toEqual(['c_fc.weight', 'c_fc.bias']);
  expect(layer.weight.shape).toEqual([3, 2]);
  layer.weight.assign(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]));
  layer.bias.assign(tf.tensor1d([0.5, -0.5]));
  const y = tf.tidy(() => layer.forward(tf.tensor3d([1, 0, 2], [1, 1, 3])).arraySync());
  expect(y).toEqual([[[11.5, 13.5]]]);
  weights.dispose();
});
