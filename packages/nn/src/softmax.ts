import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { kernelOr } from './kernel.js';
import { rowSums } from './row-sums.js';

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

/** log softmax over the last dimension, taken relative to each row's maximum; float32, any shape. */
export function logSoftmax(x: tf.Tensor): tf.Tensor {
  const classes = x.shape.at(-1)!;
  return tf.tidy(() => tf.reshape(ofRows(tf.reshape(x, [x.size / classes, classes])), x.shape));
}

const ofRows = differentiable({
  forward: (x) => {
    // Relative to the maximum first, so that large logits do not round the small difference.
    const below = tf.sub(x!, tf.max(x!, -1, true));
    const y = tf.sub(below, tf.expandDims(logSumExp(below), -1));
    return { value: y, saved: [y] };
  },
  backward: (dy, [y]) => [tf.sub(dy, tf.mul(tf.exp(y!), rowSums(dy)))],
});

/** Of rows [rows, classes] whose maximum is 0 → [rows]. Cross-entropy's kernel gives it, whatever the labels. */
function logSumExp(x: tf.Tensor): tf.Tensor {
  const labels = tf.zeros([x.shape[0]!], 'int32');
  const inputs = { logits: x, labels };
  const [, result] = kernelOr('MhSoftmaxCrossEntropy', inputs, { ignoreIndex: -100 }, () => {
    return [labels, tf.squeeze(tf.log(rowSums(tf.exp(x))), [1])];
  });
  return result!;
}
