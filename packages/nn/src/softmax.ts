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
    const y = tf.sub(x!, tf.expandDims(logSumExp(x!), -1));
    return { value: y, saved: [y] };
  },
  backward: (dy, [y]) => [tf.sub(dy, tf.mul(tf.exp(y!), rowSums(dy)))],
});

/** [rows, classes] → [rows]. Cross-entropy's kernel gives it beside the losses, whatever the labels. */
function logSumExp(x: tf.Tensor): tf.Tensor {
  const labels = tf.zeros([x.shape[0]!], 'int32');
  const inputs = { logits: x, labels };
  const [, result] = kernelOr('MhSoftmaxCrossEntropy', inputs, { ignoreIndex: -100 }, () => {
    const max = tf.max(x, -1, true); // [rows, 1]
    const sums = rowSums(tf.exp(tf.sub(x, max)));
    return [labels, tf.squeeze(tf.add(tf.log(sums), max), [1])];
  });
  return result!;
}
