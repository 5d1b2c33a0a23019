import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectClose,
  expectCloseRelative,
  numbers,
  onEachBackend,
  runOp,
  toTensor,
} from '../test/backends.js';
import { readCases } from '../test/fixtures.js';
import { LayerNorm, layerNorm } from './layer-norm.js';
import { Weights } from './weights.js';

/** In float64: (x − μ)/√(σ² + ε). */
function normalized(row: ArrayLike<number>, epsilon: number): number[] {
  const values = Array.from(row);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  return values.map((v) => (v - mean) / Math.sqrt(variance + epsilon));
}

onEachBackend(() => {
  describe.each(readCases('layer-norm'))('%s', (_, fixture) => {
    test('equals PyTorch: output within 1e-5, gradients within 1e-4', () => {
      const { input, weight, bias, epsilon } = fixture;
      const { output, gradients } = runOp(
        ({ input, weight, bias }) => layerNorm(input, weight, bias, epsilon!.values[0]!),
        { input: input!, weight: weight!, bias: bias! },
        fixture.cotangent!,
      );
      expectClose(output, fixture.output!, 1e-5);
      for (const name of ['input', 'weight', 'bias'] as const) {
        expectCloseRelative(gradients[name], fixture[`grad/${name}`]!);
      }
    });
  });

  test.each([768, 3072, 3001])('%i wide and far from zero, within 1e-5 of float64', (width) => {
    const x = numbers([2, width]);
    const values = Float32Array.from(x.values, (v) => v + 10);
    const expected = [0, 1].flatMap((r) =>
      normalized(values.subarray(r * width, (r + 1) * width), 1e-12),
    );
    const [input, ones, zeros] = [
      toTensor({ shape: [2, width], values }),
      tf.ones([width]),
      tf.zeros([width]),
    ];
    const output = layerNorm(input!, ones!, zeros!, 1e-12);
    expectClose(
      { shape: output.shape, values: output.dataSync() },
      { shape: [2, width], values: expected },
    );
    tf.dispose([input!, ones!, zeros!, output]);
  });

  test('no rows give no rows', () => {
    const inputs = { x: numbers([0, 2, 3]), w: numbers([3]), b: numbers([3]) };
    const { output, gradients } = runOp(({ x, w, b }) => layerNorm(x, w, b, 1e-5), inputs);
    expect(output.shape).toEqual([0, 2, 3]);
    expect(gradients.x.shape).toEqual([0, 2, 3]);
    expect(Array.from(gradients.w.values, Math.abs)).toEqual([0, 0, 0]);
  });

  test('a weight of another width is an error', () => {
    const [x, w, b] = [numbers([2, 3]), numbers([1]), numbers([3])].map(toTensor);
    expect(() => layerNorm(x!, w!, b!, 1e-5)).toThrow(
      expect.objectContaining({ code: 'WRONG_SHAPE' }),
    );
    tf.dispose([x!, w!, b!]);
  });
});

test('the layer starts at weight 1 and bias 0', () => {
  const weights = new Weights();
  const layer = new LayerNorm(weights.at('LayerNorm'), 3, { epsilon: 1e-12 });
  expect([...weights.parameters.keys()]).toEqual(['LayerNorm.weight', 'LayerNorm.bias']);
  expect(Array.from(layer.weight.value.dataSync())).toEqual([1, 1, 1]);
  expect(Array.from(layer.bias.value.dataSync())).toEqual([0, 0, 0]);
  weights.dispose();
});
