import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { checkIds } from './inputs.js';
import { kernelOr } from './kernel.js';
import { rowSums } from './row-sums.js';

export interface CrossEntropyOptions {
  /** Rows with this label count for nothing; default −100, as in PyTorch. */
  ignoreIndex?: number;
  /**
   * `mean` over the rows that count (default; NaN where none does, as in PyTorch), `sum`, or `none`
   * for one loss a row.
   */
  reduction?: 'mean' | 'sum' | 'none';
}

/**
 * −log softmax(logits)[label], in nats. logits [rows, classes], labels int32 [rows] → scalar, or
 * [rows] with reduction `none`. The log-sum-exp is taken relative to each row's maximum. An ignored
 * row has a loss and a gradient of zero, whatever its logits are.
 *
 * @throws ModelError `WRONG_SHAPE` where logits and labels do not fit, `ID_OUT_OF_RANGE` for a label
 *   that is neither a class nor `ignoreIndex`
 */
export function crossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { ignoreIndex = -100, reduction = 'mean' }: CrossEntropyOptions = {},
): tf.Tensor {
  if (logits.rank !== 2 || labels.rank !== 1 || logits.shape[0] !== labels.shape[0]) {
    throw new ModelError(
      'WRONG_SHAPE',
      `crossEntropy takes logits [rows, classes] and labels [rows], not [${logits.shape}] and [${labels.shape}].`,
    );
  }
  checkIds(labels, 'labels', { end: logits.shape[1]!, ignoreIndex });
  return tf.tidy(() => {
    const losses = rowLosses(logits, labels, ignoreIndex);
    if (reduction === 'none') return losses;
    const sum = total(losses);
    if (reduction === 'sum') return sum;
    return tf.div(sum, total(tf.cast(counts(labels, ignoreIndex), 'float32')));
  });
}

/** Σ x: [n] → scalar. tfjs's wasm backend gives a sum of nothing any value. */
const total = differentiable({
  forward: (x) => ({ value: x!.size === 0 ? tf.scalar(0) : tf.sum(x!), saved: [x!] }),
  backward: (dy, [x]) => [tf.mul(dy, tf.onesLike(x!))],
});

function rowLosses(logits: tf.Tensor, labels: tf.Tensor, ignoreIndex: number): tf.Tensor {
  const attrs = { ignoreIndex };
  return differentiable({
    forward: (logits) => {
      const inputs = { logits, labels };
      const [losses, logSumExp] = kernelOr('MhSoftmaxCrossEntropy', inputs, attrs, () => {
        const max = tf.max(logits!, -1, true); // [rows, 1]
        const sumExp = rowSums(tf.exp(tf.sub(logits!, max))); // [rows, 1]
        const logSumExp = tf.squeeze(tf.add(tf.log(sumExp), max), [1]); // [rows]
        const losses = tf.sub(logSumExp, labelled(logits!, labels, ignoreIndex));
        return [tf.where(counts(labels, ignoreIndex), losses, tf.zerosLike(losses)), logSumExp];
      });
      return { value: losses!, saved: [logits!, labels, logSumExp!] };
    },
    backward: (dlosses, [logits, labels, logSumExp]) => {
      const inputs = { dlosses, logits, labels, logSumExp };
      return kernelOr('MhSoftmaxCrossEntropyGrad', inputs, attrs, () => {
        // (softmax − one-hot)·dloss. Where a row is ignored, an infinite log-sum-exp gives zeros.
        const counted = counts(labels!, ignoreIndex);
        const scale = tf.where(counted, dlosses, tf.zerosLike(dlosses)); // [rows]
        const norm = tf.where(counted, logSumExp!, tf.fill(scale.shape, Number.POSITIVE_INFINITY));
        const softmax = tf.exp(tf.sub(logits!, tf.expandDims(norm, -1)));
        const at = positions(labels!, ignoreIndex);
        const target = tf.scatterND(at, scale, logits!.shape as [number, number]);
        return [tf.sub(tf.mul(softmax, tf.expandDims(scale, -1)), target)];
      });
    },
  })(logits);
}

/** Whether a row counts: bool [rows]. */
const counts = (labels: tf.Tensor, ignoreIndex: number): tf.Tensor =>
  tf.notEqual(labels, tf.scalar(ignoreIndex, 'int32'));

/** Each row's logit at its label: [rows]. */
function labelled(logits: tf.Tensor, labels: tf.Tensor, ignoreIndex: number): tf.Tensor {
  // gatherND refuses to gather nothing from nothing.
  return labels.size === 0 ? tf.zeros([0]) : tf.gatherND(logits, positions(labels, ignoreIndex));
}

/** [row, label] of every row, int32 [rows, 2]; an ignored row points at class 0. */
function positions(labels: tf.Tensor, ignoreIndex: number): tf.Tensor {
  const rows = tf.range(0, labels.size, 1, 'int32');
  const classes = tf.where(counts(labels, ignoreIndex), labels, tf.zerosLike(labels));
  return tf.stack([rows, classes], -1);
}
