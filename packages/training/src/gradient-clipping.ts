import * as tf from '@tensorflow/tfjs-core';
import { TrainingError } from './errors.js';

/**
 * The 2-norm of all gradients taken as one vector, summed in float64: tfjs's float32 sum loses
 * digits with every thousand elements.
 *
 * @throws TrainingError `NON_FINITE_GRADIENT`, naming the first parameter with a NaN or infinite one
 */
export async function globalNorm(gradients: ReadonlyMap<string, tf.Tensor>): Promise<number> {
  let sum = 0;
  for (const [key, gradient] of gradients) {
    const values = await gradient.data<'float32'>();
    let squares = 0;
    for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
    if (!Number.isFinite(squares)) {
      throw new TrainingError(
        'NON_FINITE_GRADIENT',
        `The gradient of ${key} has a NaN or infinite element. Lower the learning rate, warm up longer, or clip gradients by a smaller norm.`,
      );
    }
    sum += squares;
  }
  return Math.sqrt(sum);
}

/**
 * Scales the gradients together so that their global norm is at most `maxNorm` (Pascanu et al. 2013,
 * §3.2), by the same factor as `torch.nn.utils.clip_grad_norm_`. Replaced gradients are freed; the
 * map holds the scaled ones.
 *
 * @returns the norm before clipping
 * @throws TrainingError `NON_FINITE_GRADIENT`; the map is then as it was
 */
export async function clipByGlobalNorm(
  gradients: Map<string, tf.Tensor>,
  maxNorm: number,
): Promise<number> {
  if (!(maxNorm > 0)) {
    throw new TrainingError('BAD_OPTION', `maxNorm is ${maxNorm}; it must be above 0.`);
  }
  const norm = await globalNorm(gradients);
  const factor = maxNorm / (norm + 1e-6);
  if (factor >= 1) return norm;
  for (const [key, gradient] of gradients) {
    gradients.set(key, tf.mul(gradient, factor));
    gradient.dispose();
  }
  return norm;
}
