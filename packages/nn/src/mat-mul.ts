import * as tf from '@tensorflow/tfjs-core';
import { type ActivationName, activation, activationSlope } from './activations.js';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { kernelOr } from './kernel.js';

export interface MatMulOptions {
  /** `a` is given as [..., k, m]. */
  transposeA?: boolean;
  /** `b` is given as [..., n, k]. */
  transposeB?: boolean;
}

/**
 * Matrix product over the last two dimensions: a [..., m, k] · b [..., k, n] → [..., m, n]. The
 * leading dimensions of both are equal.
 *
 * @throws ModelError `WRONG_SHAPE` where the dimensions do not fit
 */
export function matMul(a: tf.Tensor, b: tf.Tensor, options: MatMulOptions = {}): tf.Tensor {
  const { transposeA = false, transposeB = false } = options;
  const inner = [a.shape.at(transposeA ? -2 : -1), b.shape.at(transposeB ? -1 : -2)];
  const batches = [a.shape.slice(0, -2).join(), b.shape.slice(0, -2).join()];
  if (a.rank < 2 || a.rank !== b.rank || inner[0] !== inner[1] || batches[0] !== batches[1]) {
    const of = (t: tf.Tensor, flip: boolean) => `[${t.shape}]${flip ? ' transposed' : ''}`;
    throw new ModelError(
      'WRONG_SHAPE',
      `matMul cannot multiply ${of(a, transposeA)} by ${of(b, transposeB)}.`,
    );
  }
  const multiply = differentiable({
    forward: (x, y) => ({ value: product(x!, y!, transposeA, transposeB), saved: [x!, y!] }),
    backward: (dc, [x, y]) => {
      const { a, b } = productGradients(dc, x!, y!, transposeA, transposeB);
      return [a(), b()];
    },
  });
  return multiply(a, b);
}

/** What follows a product: `bias` [n] is added to every row, and then comes the activation. */
export interface Epilogue {
  bias?: tf.Tensor | undefined;
  activation?: ActivationName | undefined;
}

/** The product itself, for ops that give their own gradient. */
export function product(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
  { bias, activation: name }: Epilogue = {},
): tf.Tensor {
  const attrs = { transposeA, transposeB, ...(name && { activation: name }) };
  const [c] = kernelOr('MhMatMul', { a, b, bias }, attrs, () => {
    // tfjs-backend-wasm has one fast road, for a single product of untransposed matrices; the
    // other is a scalar loop that also adds a fused bias several times.
    const c =
      tf.getBackend() === 'wasm'
        ? onTheFastRoad(a, b, transposeA, transposeB)
        : tf.matMul(a, b, transposeA, transposeB);
    const biased = bias === undefined ? c : tf.add(c, bias);
    return [name === undefined ? biased : activation(name)(biased)];
  });
  return c!;
}

/** The same for a gradient of one's own: with an activation, its derivative comes second. */
export function productAndSlope(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeB: boolean,
  { bias, activation: name }: Epilogue,
): [value: tf.Tensor, slope?: tf.Tensor] {
  if (name === undefined) return [product(a, b, false, transposeB, { bias })];
  const attrs = { transposeB, activation: name, outputSlope: true };
  const [value, slope] = kernelOr('MhMatMul', { a, b, bias }, attrs, () => {
    const x = product(a, b, false, transposeB, { bias });
    return [activation(name)(x), activationSlope(name)(x)];
  });
  return [value!, slope!];
}

/** The gradients of c = `product(a, b, transposeA, transposeB)`, each computed when asked for. */
export function productGradients(
  dc: tf.Tensor,
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
): { a: () => tf.Tensor; b: () => tf.Tensor } {
  return {
    a: () => (transposeA ? product(b, dc, transposeB, true) : product(dc, b, false, !transposeB)),
    b: () => (transposeB ? product(dc, a, true, transposeA) : product(a, dc, !transposeA, false)),
  };
}

function onTheFastRoad(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean) {
  const batch = a.shape.slice(0, -2);
  const [m, k] = [a.shape.at(transposeA ? -1 : -2)!, a.shape.at(transposeA ? -2 : -1)!];
  const n = b.shape.at(transposeB ? -2 : -1)!;
  if (a.size === 0 || b.size === 0) return tf.zeros([...batch, m, n]); // it takes no size of 0
  const left = transposeA ? swapLastTwo(a) : a;
  const right = transposeB ? swapLastTwo(b) : b;
  const size = batch.reduce((x, y) => x * y, 1);
  if (size === 1) {
    const one = tf.matMul(tf.reshape(left, [m, k]), tf.reshape(right, [k, n]));
    return tf.reshape(one, [...batch, m, n]);
  }
  const rights = matrices(right, size, [k, n]);
  const products = matrices(left, size, [m, k]).map((one, i) => tf.matMul(one, rights[i]!));
  return tf.reshape(tf.stack(products), [...batch, m, n]);
}

/** The matrices of a batch. (tfjs-backend-wasm copies all of the batch for each slice of it.) */
function matrices(x: tf.Tensor, size: number, shape: [number, number]): tf.Tensor2D[] {
  const values = x.dataSync();
  const each = shape[0] * shape[1];
  return Array.from({ length: size }, (_, i) =>
    tf.tensor2d(values.subarray(i * each, (i + 1) * each), shape, 'float32'),
  );
}

function swapLastTwo(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  axes.push(...axes.splice(-2).reverse());
  return tf.transpose(x, axes);
}

/** Σ over the rows of x [rows, columns] → [columns]. */
export function columnSums(x: tf.Tensor): tf.Tensor {
  const [rows, columns] = x.shape as [number, number];
  // As a composition it is a product: a sum over the first axis would be transposed first.
  const [sums] = kernelOr('MhColumnSums', { x }, {}, () => [
    tf.reshape(product(tf.ones([1, rows]), x, false, false), [columns]),
  ]);
  return sums!;
}

/** x∘y, both [rows, columns], and its `columnSums`. */
export function timesAndColumnSums(
  x: tf.Tensor,
  by: tf.Tensor,
): [product: tf.Tensor, sums: tf.Tensor] {
  const outputs = kernelOr('MhColumnSums', { x, by }, {}, () => {
    const product = tf.mul(x, by);
    return [product, columnSums(product)];
  });
  return outputs as [tf.Tensor, tf.Tensor];
}
