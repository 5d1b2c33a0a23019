import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from './cross-entropy.js';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { type Ids, idsToTensor } from './inputs.js';
import { type Numbers, readNumbers } from './numbers.js';

/** What a classification head is asked for, as `config.json` names it. */
export const PROBLEM_TYPES = [
  'regression',
  'single_label_classification',
  'multi_label_classification',
] as const;

export type ProblemType = (typeof PROBLEM_TYPES)[number];

/**
 * The loss of a head that says something about a whole text: logits [batch, numLabels] → scalar.
 *
 * - `single_label_classification`: labels [batch], one class a text (−100 is ignored): cross-entropy
 * - `multi_label_classification`: labels [batch, numLabels] from 0 to 1: binary cross-entropy, the mean
 *   over all of them
 * - `regression`: labels of the logits' shape, or [batch] for one logit: mean squared error
 *
 * Where no problem is named, one logit means regression, labels [batch] one class a text, and labels
 * [batch, numLabels] several, as in Hugging Face's library.
 *
 * @throws ModelError `WRONG_SHAPE`, `BAD_INPUT` or `ID_OUT_OF_RANGE` for labels that do not fit
 */
export function classificationLoss(
  logits: tf.Tensor,
  labels: Numbers,
  problem: ProblemType | null = null,
): tf.Tensor {
  const [batch, classes] = logits.shape as [number, number];
  return tf.tidy(() => {
    const given = readNumbers(labels);
    if (given === undefined) {
      throw new ModelError(
        'BAD_INPUT',
        'labels must be numbers, in one row or in rows of one length.',
      );
    }
    const one = classes === 1 && given.size === batch;
    const fits = given.shape.join() === `${batch},${classes}` || one;
    const usual = classes === 1 ? 'regression' : fits ? 'multi_label_classification' : undefined;
    const type = problem ?? usual ?? 'single_label_classification';
    if (type === 'single_label_classification') {
      if (given.size !== batch) throw wrongShape(given, type, `[${batch}]`);
      const ids = idsToTensor(asRow(labels), 'labels', { end: classes, ignoreIndex: -100 });
      return crossEntropy(logits, tf.reshape(ids, [batch]));
    }
    if (!fits) throw wrongShape(given, type, `[${batch},${classes}]`);
    const targets = tf.reshape(given, logits.shape);
    return (type === 'regression' ? meanSquaredError : binaryCrossEntropy)(logits, targets);
  });
}

/** [batch, 1] too is one label a text. */
function asRow(labels: Numbers): Ids {
  if ('dataId' in Object(labels)) return tf.reshape(labels as tf.Tensor, [-1]);
  const rows = Array.from(labels as ArrayLike<number | ArrayLike<number>>);
  return rows.flatMap((row) => (typeof row === 'object' ? Array.from(row) : [row]));
}

const wrongShape = ({ shape }: tf.Tensor, type: ProblemType, wanted: string): ModelError =>
  new ModelError('WRONG_SHAPE', `labels are [${shape}]; ${type} takes ${wanted}.`);

const meanSquaredError = differentiable({
  forward: (x, y) => {
    const difference = tf.sub(x!, y!);
    return { value: tf.mean(tf.square(difference)), saved: [difference] };
  },
  backward: (dy, [difference]) => {
    const dx = tf.mul(tf.mul(dy, 2 / difference!.size), difference!);
    return [dx, tf.neg(dx)];
  },
});

/** The mean of −y·log σ(x) − (1 − y)·log(1 − σ(x)), written so that nothing overflows. */
const binaryCrossEntropy = differentiable({
  forward: (x, y) => {
    const rest = tf.log(tf.add(1, tf.exp(tf.neg(tf.abs(x!)))));
    const losses = tf.add(tf.sub(tf.relu(x!), tf.mul(x!, y!)), rest);
    return { value: tf.mean(losses), saved: [x!, y!] };
  },
  backward: (dy, [x, y]) => {
    const scale = tf.mul(dy, 1 / x!.size);
    return [tf.mul(scale, tf.sub(tf.sigmoid(x!), y!)), tf.neg(tf.mul(scale, x!))];
  },
});
