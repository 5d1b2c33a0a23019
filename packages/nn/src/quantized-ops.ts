import * as tf from '@tensorflow/tfjs-core';
import { activation } from './activations.js';
import { differentiable, isRecording } from './differentiable.js';
import { type KernelAttributes, kernelOr } from './kernel.js';
import { columnSums, type Epilogue, product } from './mat-mul.js';
import { type QuantizedMatrix, TINY } from './quantized-matrix.js';

/*
 * What `linear` and `embedding` do where the weight is held in int8. The compositions say what is
 * meant: whole numbers are multiplied, and then scaled.
 */

/**
 * activation(x·Wᵀ + b), x [..., in]; for a gradient, [rows, in]. Each row of x is rounded, as it comes,
 * to 1/255 of its range (which has 0 in it) times whole numbers. A row with a NaN or an Infinity gives
 * NaN. The gradients are those of the product without rounding x; W has none.
 */
export function quantizedLinear(
  x: tf.Tensor,
  w: QuantizedMatrix,
  { bias, activation: name }: Epilogue = {},
): tf.Tensor {
  const { values, scales, sums } = w;
  const then = (y: tf.Tensor) => (name === undefined ? y : activation(name)(y));
  const run = (x: tf.Tensor, bias: tf.Tensor | undefined, attrs: KernelAttributes) =>
    kernelOr('MhLinearInt8', { x, values, scales, sums, bias }, attrs, () => [
      tf.tidy(() => {
        const y = composedLinear(x, w, bias);
        return attrs.activation ? then(y) : y;
      }),
    ])[0]!;
  if (!isRecording()) return run(x, bias, name === undefined ? {} : { activation: name });
  const forward = (x: tf.Tensor, bias?: tf.Tensor) => ({ value: run(x, bias, {}), saved: [] });
  const dx = (dy: tf.Tensor) => product(dy, w.dequantize(), false, false);
  if (bias === undefined) {
    const y = differentiable({ forward: (x) => forward(x!), backward: (dy) => [dx(dy)] })(x);
    return then(y);
  }
  const y = differentiable({
    forward: (x, bias) => forward(x!, bias!),
    backward: (dy) => [dx(dy), columnSums(dy)],
  })(x, bias);
  return then(y);
}

function composedLinear(given: tf.Tensor, w: QuantizedMatrix, bias?: tf.Tensor): tf.Tensor {
  const rows = given.shape.slice(0, -1);
  const x = tf.reshape(given, [rows.reduce((a, b) => a * b, 1), w.columns]);
  const least = tf.minimum(tf.min(x, -1, true), 0); // [rows, 1]
  const range = tf.sub(tf.maximum(tf.max(x, -1, true), 0), least);
  const isZero = tf.less(range, TINY);
  const orZero = (y: tf.Tensor) => tf.where(isZero, tf.zerosLike(range), y);
  const inverse = orZero(tf.div(255, range));
  // Rounding both ends may leave one whole number too many for a byte.
  const most = tf.add(tf.round(tf.mul(least, inverse)), 255);
  const integers = tf.minimum(tf.round(tf.mul(x, inverse)), most);
  const sums = product(integers, w.integers(), false, true);
  // 0, or NaN for a row with a NaN or an Infinity: backends differ in which of them min and max see.
  const odd = tf.sum(tf.mul(x, 0), -1, true);
  const scale = tf.add(orZero(tf.div(range, 255)), odd);
  const y = tf.reshape(tf.mul(sums, tf.mul(scale, w.scales)), [...rows, w.rows]);
  return bias === undefined ? y : tf.add(y, bias);
}

/** The rows of W at `ids`, int32 [n] → [n, columns]. W has no gradient. */
export function quantizedEmbedding(w: QuantizedMatrix, ids: tf.Tensor): tf.Tensor {
  const { values, scales, sums, columns: dim } = w;
  const [rows] = kernelOr('MhEmbeddingInt8', { ids, values, scales, sums }, { dim }, () => [
    composedEmbedding(w, ids as tf.Tensor1D),
  ]);
  return rows!;
}

/** The panels that hold the ids' rows, and of each panel the one row. */
function composedEmbedding(w: QuantizedMatrix, ids: tf.Tensor1D): tf.Tensor {
  const [, runs, height, run] = w.values.shape as [number, number, number, number];
  const panel = tf.floorDiv(ids, tf.scalar(height, 'int32'));
  const place = tf.sub(ids, tf.mul(panel, tf.scalar(height, 'int32')));
  const panels = w.toIntegers(tf.gather(w.values, panel as tf.Tensor1D)); // [n, runs, height, run]
  const isRow = tf.equal(tf.reshape(place, [-1, 1]), tf.range(0, height, 1, 'int32'));
  const mask = tf.reshape(tf.cast(isRow, 'float32'), [-1, 1, height, 1]);
  const padded = tf.reshape(tf.sum(tf.mul(panels, mask), 2), [ids.size, runs * run]);
  const rows = tf.slice(padded, [0, 0], [ids.size, w.columns]);
  return tf.mul(rows, tf.reshape(tf.gather(w.scales, ids), [-1, 1]));
}
