import * as tf from '@tensorflow/tfjs-core';
import { type CrossEntropyOptions, crossEntropy } from './cross-entropy.js';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { checkIds } from './inputs.js';
import { hasKernel, runKernel } from './kernel.js';
import { linear } from './linear.js';
import { matrixOf, type Operand, tensorOf } from './parameter.js';
import { QuantizedMatrix } from './quantized-matrix.js';

export interface LinearCrossEntropyOptions extends CrossEntropyOptions {
  reduction?: 'mean' | 'sum';
}

/**
 * `crossEntropy(linear(x, weight, bias), labels)` for a head whose logits nobody asks for: x [rows,
 * in], weight [classes, in], bias [classes], labels int32 [rows] → scalar, in nats. Where there is a
 * kernel, the logits [rows, classes] never exist, nor their gradient: it goes through the rows a few at
 * a time, and makes what the backward pass gives in the same sweep (after Hsu et al. 2024, "Liger
 * Kernel", §3.2).
 *
 * @throws ModelError `WRONG_SHAPE` where these do not fit, `ID_OUT_OF_RANGE` for a label that is
 *   neither a class nor `ignoreIndex`
 */
export function linearCrossEntropy(
  x: tf.Tensor,
  weight: Operand,
  bias: Operand | undefined,
  labels: tf.Tensor,
  options: LinearCrossEntropyOptions = {},
): tf.Tensor {
  const { ignoreIndex = -100, reduction = 'mean' } = options;
  const w = matrixOf(weight);
  if (!hasKernel('MhLinearCrossEntropy') || w instanceof QuantizedMatrix) {
    return tf.tidy(() => crossEntropy(linear(x, weight, bias), labels, options));
  }
  const b = bias && tensorOf(bias);
  const [classes, inFeatures] = w.shape as [number, number];
  const biased = b === undefined || b.shape.join() === `${classes}`;
  if (x.shape.join() !== `${labels.size},${inFeatures}` || labels.rank !== 1 || !biased) {
    throw new ModelError(
      'WRONG_SHAPE',
      `linearCrossEntropy takes x [rows, in], weight [classes, in], bias [classes] and labels [rows], not [${x.shape}], [${w.shape}], [${b?.shape ?? ''}] and [${labels.shape}].`,
    );
  }
  checkIds(labels, 'labels', { end: classes, ignoreIndex });
  const counted = labels.dataSync<'int32'>().filter((label) => label !== ignoreIndex).length;
  const scale = reduction === 'mean' ? 1 / counted : 1;
  const attrs = { ignoreIndex, scale, gradients: tf.engine().isTapeOn() };
  const loss = differentiable({
    forward: (x, weight, bias) => {
      const inputs = { x, weight, bias, labels };
      const [losses, ...gradients] = runKernel('MhLinearCrossEntropy', inputs, attrs);
      const total = labels.size === 0 ? tf.scalar(0) : tf.sum(losses!);
      return { value: tf.mul(total, scale), saved: gradients };
    },
    backward: (dy, gradients) => {
      const factor = dy.dataSync()[0]!; // where there are kernels, reading costs nothing
      return factor === 1 ? gradients : gradients.map((gradient) => tf.mul(gradient, factor));
    },
  });
  return b === undefined ? loss(x, w) : loss(x, w, b);
}
