import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { kernelOr } from './kernel.js';

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
 * [rows] with reduction `none`. The log-sum-exp is taken relative to each row's maximum.
 *
 * @throws ModelError `WRONG_SHAPE` where logits and labels do not fit
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
  const losses = rowLosses(logits, labels, ignoreIndex);
  if (reduction === 'none') return losses;
  const sum = tf.sum(losses);
  return reduction === 'sum' ? sum : tf.div(sum, tf.sum(counts(labels, ignoreIndex)));
}

/** 1 where a row counts, 0 where it is ignored: float32 [rows]. */
const counts = (labels: tf.Tensor, ignoreIndex: number): tf.Tensor =>
  tf.cast(tf.notEqual(labels, ignoreIndex), 'float32');

function rowLosses(logits: tf.Tensor, labels: tf.Tensor, ignoreIndex: number): tf.Tensor {
  const attrs = { ignoreIndex };
  return differentiable({
    forward: (logits) => {
      const [losses, logSumExp] = kernelOr(
        'MhSoftmaxCrossEntropy',
        { logits, labels },
        attrs,
        () => {
          const max = tf.max(logits!, -1, true); // [rows, 1]
          const sumExp = tf.sum(tf.exp(tf.sub(logits!, max)), -1); // [rows]
          const logSumExp = tf.add(tf.log(sumExp), tf.squeeze(max, [-1]));
          const picked = tf.gatherND(logits!, positions(labels, ignoreIndex));
          return [tf.mul(tf.sub(logSumExp, picked), counts(labels, ignoreIndex)), logSumExp];
        },
      );
      return { value: losses!, saved: [logits!, labels, logSumExp!] };
    },
    backward: (dlosses, [logits, labels, logSumExp]) =>
      kernelOr('MhSoftmaxCrossEntropyGrad', { dlosses, logits, labels, logSumExp }, attrs, () => {
        const scale = tf.mul(dlosses, counts(labels!, ignoreIndex)); // [rows]
        const softmax = tf.exp(tf.sub(logits!, tf.expandDims(logSumExp!, -1)));
        const at = positions(labels!, ignoreIndex);
        const target = tf.scatterND(at, scale, logits!.shape as [number, number]);
        return [tf.sub(tf.mul(softmax, tf.expandDims(scale, -1)), target)];
      }),
  })(logits);
}

/** [row, label] of every row, int32 [rows, 2]; an ignored row points at class 0. */
function positions(labels: tf.Tensor, ignoreIndex: number): tf.Tensor {
  const rows = tf.range(0, labels.size, 1, 'int32');
  const classes = tf.where(tf.equal(labels, ignoreIndex), tf.zerosLike(labels), labels);
  return tf.stack([rows, classes], -1);
}
