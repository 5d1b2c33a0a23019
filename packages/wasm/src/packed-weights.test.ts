// nn's parameters on our kernels: a matrix is packed where it lies when a model runs, and is the same
// numbers, to the bit, whatever comes after.
import { expect, test } from '@jest/globals';
import { embedding, linear, PackedMatrix, Parameter, valueAndGradients } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expectClose, normal, onEachVariant, randomFrom, type Values } from '../test/kernels.js';
import { useWasm } from './use-wasm.js';

const tensor = ({ values, shape }: Values) => tf.tensor(values as Float32Array, shape);
const bits = (values: ArrayLike<number>) =>
  Array.from(new Uint32Array(Float32Array.from(values).buffer));
const read = (f: () => tf.Tensor) => tf.tidy(() => f().dataSync() as Float32Array);

onEachVariant((variant) => {
  test('linear gives the same with the weight a parameter or a tensor, and the weight comes back', () => {
    fc.assert(
      fc.property(
        fc.record({
          ...{ rows: fc.integer({ min: 0, max: 9 }), out: fc.integer({ min: 1, max: 50 }) },
          ...{ length: fc.integer({ min: 0, max: 40 }), transposed: fc.boolean() },
          activation: fc.constantFrom(undefined, 'gelu' as const, 'tanh' as const),
          seed: fc.integer(),
        }),
        ({ rows, out, length, seed, ...options }) => {
          const random = randomFrom(seed);
          const shape = options.transposed ? [length, out] : [out, length];
          const weight = normal(random, shape);
          weight.values[0] = -0;
          const x = tensor(normal(random, [2, rows, length]));
          const bias = tensor(normal(random, [out]));
          const parameter = new Parameter('w', tensor(weight));
          const held = tf.memory().numTensors;
          const wanted = tf.tidy(() => tf.keep(linear(x, tensor(weight), bias, options)));
          for (let i = 0; i < 2; i++) {
            const got = read(() => linear(x, parameter, bias, options));
            expectClose(got, wanted.dataSync(), { scale: 1, relative: 1e-5 });
            expect(parameter.held instanceof PackedMatrix).toBe(out >= 16 && length > 0);
          }
          wanted.dispose();
          expect(tf.memory().numTensors).toBe(held);
          expect(bits(parameter.value.dataSync())).toEqual(bits(weight.values));
          expect(parameter.value.shape).toEqual(shape);
          parameter.dispose();
          tf.dispose([x, bias]);
        },
      ),
      { numRuns: 60 },
    );
  });

  const random = randomFrom(3);
  const weight = normal(random, [37, 8]);
  const x = normal(random, [3, 8]);
  const logits = (parameter: Parameter) => read(() => linear(tensor(x), parameter));

  test('packing takes no memory, and leaves alone a tensor that somebody has', () => {
    const parameter = new Parameter('w', tensor(weight));
    const before = tf.memory().numBytes;
    logits(parameter);
    expect(parameter.held instanceof PackedMatrix).toBe(true);
    expect(tf.memory().numBytes).toBe(before);
    const { value } = parameter;
    logits(parameter);
    expect(parameter.held instanceof PackedMatrix).toBe(false);
    expect(bits(value.dataSync())).toEqual(bits(weight.values));
    parameter.assign(tf.clone(value));
    logits(parameter);
    expect(parameter.held instanceof PackedMatrix).toBe(true);
    parameter.dispose();
  });

  test('a clone of the weight keeps its numbers', () => {
    const original = tensor(weight);
    const clone = tf.clone(original);
    const parameter = new Parameter('w', original);
    logits(parameter);
    expect(bits(clone.dataSync())).toEqual(bits(weight.values));
    parameter.dispose();
    clone.dispose();
  });

  test('a tied matrix serves its embedding, and training after that', () => {
    const parameter = new Parameter('w', tensor(weight));
    const ids = tf.tensor2d(
      [
        [36, 0],
        [17, 3],
      ],
      [2, 2],
      'int32',
    );
    const rows = [36, 0, 17, 3].flatMap((id) => [...weight.values.slice(8 * id, 8 * id + 8)]);
    const loss = () => tf.sum(tf.square(linear(embedding(parameter, ids), parameter)));
    const model = { parameters: new Map([['w', parameter]]) };
    const gradients = () => {
      const { value, gradients } = valueAndGradients(model, loss);
      const values = gradients.get('w')!.dataSync();
      tf.dispose([value, ...gradients.values()]);
      return values;
    };
    logits(parameter);
    expect(parameter.held instanceof PackedMatrix).toBe(true);
    expect(bits(read(() => embedding(parameter, ids)))).toEqual(bits(rows));
    expect(parameter.held instanceof PackedMatrix).toBe(true);
    const afterwards = gradients();
    expect(parameter.held instanceof PackedMatrix).toBe(false);
    expect(Array.from(gradients())).toEqual(Array.from(afterwards));
    parameter.dispose();
    ids.dispose();
  });

  test('is read for saving as it is, and unpacked where the kernels are gone', async () => {
    const parameter = new Parameter('w', tensor(weight));
    const wanted = logits(parameter);
    expect(bits(await parameter.data())).toEqual(bits(weight.values));
    expect(parameter.held instanceof PackedMatrix).toBe(true);
    await useWasm({ kernels: false });
    expectClose(logits(parameter), wanted, { scale: 1 });
    expect(parameter.held instanceof PackedMatrix).toBe(false);
    await useWasm({ variant });
    expectClose(logits(parameter), wanted, { scale: 1 });
    expect(parameter.held instanceof PackedMatrix).toBe(true);
    parameter.dispose();
  });
});
