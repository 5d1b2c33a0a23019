import { describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectCloseRelative,
  numbers,
  onEachBackend,
  runOp,
  type Values,
} from '../test/backends.js';
import { registerGradients } from './register-gradients.js';

type Inputs = Record<string, Values>;
type Case = [string, (t: Record<string, tf.Tensor>) => tf.Tensor, Inputs];

/** Numbers from 0.5 to about 2. */
const positive = (shape: number[], seed = 1): Values => ({
  shape,
  values: Float32Array.from(numbers(shape, seed).values, (v) => 0.5 + Math.abs(v)),
});
const x = numbers([2, 3]);
const unary = (f: (x: tf.Tensor) => tf.Tensor) => (t: Record<string, tf.Tensor>) => f(t.x!);
const binary = (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) => (t: Record<string, tf.Tensor>) =>
  f(t.a!, t.b!);

const broadcasts: [string, number[], number[]][] = [
  ['equal shapes', [2, 3], [2, 3]],
  ['a row', [2, 3], [3]],
  ['a column', [2, 1], [2, 3]],
  ['a scalar', [], [2, 3]],
  ['both ways', [2, 1, 3], [4, 1]],
];

const cases: Case[] = [
  ...broadcasts.flatMap(([shapes, a, b]): Case[] => [
    [`Add, ${shapes}`, binary(tf.add), { a: numbers(a), b: numbers(b, 2) }],
    [`Sub, ${shapes}`, binary(tf.sub), { a: numbers(a), b: numbers(b, 2) }],
    [`Multiply, ${shapes}`, binary(tf.mul), { a: numbers(a), b: numbers(b, 2) }],
    [`RealDiv, ${shapes}`, binary(tf.div), { a: numbers(a), b: positive(b, 2) }],
  ]),
  ['Neg', unary(tf.neg), { x }],
  ['Square', unary(tf.square), { x }],
  ['Sqrt', unary(tf.sqrt), { x: positive([2, 3]) }],
  ['Rsqrt', unary(tf.rsqrt), { x: positive([2, 3]) }],
  ['Exp', unary(tf.exp), { x }],
  ['Log', unary(tf.log), { x: positive([2, 3]) }],
  ['Tanh', unary(tf.tanh), { x }],
  ['Sigmoid', unary(tf.sigmoid), { x }],
  ['Relu', unary(tf.relu), { x }],
  ['Reshape', unary((x) => tf.reshape(x, [3, 2])), { x }],
  ['ExpandDims', unary((x) => tf.expandDims(x, 1)), { x }],
  ['Reshape as squeeze', unary((x) => tf.squeeze(x)), { x: numbers([1, 3, 1]) }],
  ['Identity', unary(tf.clone), { x }],
  ['Cast', unary((x) => tf.cast(x, 'float32')), { x }],
  ['Transpose', unary((x) => tf.transpose(x, [2, 0, 1])), { x: numbers([2, 3, 4]) }],
  ['Sum of all', unary((x) => tf.sum(x)), { x }],
  ['Sum over the first', unary((x) => tf.sum(x, 0)), { x }],
  ['Sum over two, kept', unary((x) => tf.sum(x, [0, -1], true)), { x: numbers([2, 3, 4]) }],
  ['Mean of all', unary((x) => tf.mean(x)), { x }],
  ['Mean over the middle', unary((x) => tf.mean(x, 1)), { x: numbers([2, 3, 4]) }],
  ['Slice', unary((x) => tf.slice(x, [1, 0], [1, 2])), { x: numbers([3, 3]) }],
  ['Slice from a number', unary((x) => tf.slice(x, 1, 2)), { x: numbers([4, 2]) }],
  ['Slice to the end', unary((x) => tf.slice(x, [1, 1], [-1, -1])), { x: numbers([3, 4]) }],
  ['Concat', binary((a, b) => tf.concat([a, b, a], 0)), { a: numbers([2, 3]), b: numbers([1, 3]) }],
  [
    'Concat, last',
    binary((a, b) => tf.concat([a, b], -1)),
    { a: numbers([2, 3]), b: numbers([2, 2]) },
  ],
  ['Softmax', unary((x) => tf.softmax(x)), { x }],
  ['BatchMatMul', binary((a, b) => tf.matMul(a, b)), { a: numbers([2, 3]), b: numbers([3, 4], 2) }],
  [
    'BatchMatMul, transposed',
    binary((a, b) => tf.matMul(a, b, true, true)),
    { a: numbers([5, 3, 2]), b: numbers([5, 4, 3], 2) },
  ],
  [
    'BatchMatMul, one b for all',
    binary((a, b) => tf.matMul(a, b)),
    { a: numbers([3, 2, 3]), b: numbers([3, 4], 2) },
  ],
  [
    'BatchMatMul, one transposed a for all',
    binary((a, b) => tf.matMul(a, b, true)),
    { a: numbers([1, 3, 2]), b: numbers([4, 3, 2], 2) },
  ],
  [
    'Split, one part unused',
    unary((x) => {
      const [a, , c] = tf.split(x, 3, -1);
      return tf.mul(a!, c!);
    }),
    { x: numbers([2, 6]) },
  ],
  ['one tensor used twice', unary((x) => tf.add(x, tf.mul(x, x))), { x }],
  ['a tensor and its reshape', unary((x) => tf.add(tf.reshape(x, [6]), tf.reshape(x, [6]))), { x }],
];

/** Central differences of Σ f·cotangent, summed in float64. */
function differences(f: Case[1], inputs: Inputs, name: string, cotangent: Values): Values {
  const loss = (values: Float32Array) =>
    tf.tidy(() => {
      const tensors = Object.entries({ ...inputs, [name]: { ...inputs[name]!, values } }).map(
        ([key, v]) => [key, tf.tensor(Float32Array.from(v.values), v.shape, 'float32')] as const,
      );
      const out = f(Object.fromEntries(tensors)).dataSync() as Float32Array;
      return out.reduce((sum, v, i) => sum + v * cotangent.values[i]!, 0);
    });
  const { shape, values } = inputs[name]!;
  return {
    shape,
    values: Array.from(values, (_, i) => {
      const [up, down] = [Float32Array.from(values), Float32Array.from(values)];
      up[i]! += 2 ** -6;
      down[i]! -= 2 ** -6;
      return (loss(up) - loss(down)) / (up[i]! - down[i]!);
    }),
  };
}

onEachBackend(() => {
  test.each(cases)('%s: the gradient is the slope, within 1e-3', (_, f, inputs) => {
    const shape = tf.tidy(() => {
      const entries = Object.entries(inputs).map(([key, v]) => [key, tf.zeros(v.shape)] as const);
      return f(Object.fromEntries(entries)).shape;
    });
    const cotangent = numbers(shape, 7);
    const { gradients } = runOp((t) => tf.tidy(() => f(t)), inputs, cotangent);
    for (const name of Object.keys(inputs)) {
      expectCloseRelative(gradients[name]!, differences(f, inputs, name, cotangent), 1e-3);
    }
  });
});

describe('beside the gradients of tfjs', () => {
  test('what is registered already stays, and registering again is silent', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    tf.env().set('DEBUG', true); // tfjs warns of overridden gradients only so
    warn.mockClear();
    const own: tf.GradConfig = { kernelName: 'Square', gradFunc: () => ({}) };
    tf.unregisterGradient('Square');
    tf.registerGradient(own);
    registerGradients();
    registerGradients();
    expect(tf.getGradient('Square')).toBe(own);
    expect(warn).not.toHaveBeenCalled();
    tf.env().set('DEBUG', false);
    warn.mockRestore();
    tf.unregisterGradient('Square');
  });
});
