import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { kernelOr } from './kernel.js';

/** Softmax over the last dimension, taken relative to each row's maximum; float32, any shape. */
export const softmax: (x: tf.Tensor) => tf.Tensor = differentiable({
  forward: (x) => {
    const [y] = kernelOr('MhSoftmax', { x }, {}, () => [tf.softmax(x!)]);
    return { value: y!, saved: [y!] };
  },
  backward: (dy, [y]) => [softmaxGradient(dy, y!)],
});

/** The gradient at the input, from the one at the output y. */
export function softmaxGradient(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  return tf.mul(y, tf.sub(dy, tf.sum(tf.mul(dy, y), -1, true)));
}
