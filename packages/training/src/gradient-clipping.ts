import { hasKernel, runKernel } from '@multihead/nn';
import type { Tensor } from '@tensorflow/tfjs-core';
import { TrainingError } from './errors.js';

/**
 * The 2-norm of all gradients taken as one vector, summed in float64: tfjs's float32 sum loses
 * digits with every thousand elements.
 *
 * @throws TrainingError `NON_FINITE_GRADIENT`, naming the first parameter with a NaN or infinite one
 */
export async function globalNorm(gradients: ReadonlyMap<string, Tensor>): Promise<number> {
  const squares = await sumsOfSquares([...gradients.values()]);
  const bad = [...gradients.keys()].find((_, i) => !Number.isFinite(squares[i]!));
  if (bad !== undefined) {
    throw new TrainingError(
      'NON_FINITE_GRADIENT',
      `The gradient of ${bad} has a NaN or infinite element. Lower the learning rate, warm up longer, or clip gradients by a smaller norm.`,
    );
  }
  return Math.sqrt(squares.reduce((a, b) => a + b, 0));
}

/**
 * What gradients of this global norm are to be multiplied by so that their norm is at most `maxNorm`
 * (Pascanu et al. 2013, §3.2): the factor of `torch.nn.utils.clip_grad_norm_`, never above 1.
 *
 * @throws TrainingError `BAD_OPTION` for a `maxNorm` that is not above 0
 */
export function clippingScale(norm: number, maxNorm: number): number {
  if (!(maxNorm > 0)) {
    throw new TrainingError('BAD_OPTION', `maxNorm is ${maxNorm}; it must be above 0.`);
  }
  return Math.min(maxNorm / (norm + 1e-6), 1);
}

async function sumsOfSquares(tensors: readonly Tensor[]): Promise<number[]> {
  if (hasKernel('MhSumOfSquares')) {
    const [bits] = runKernel('MhSumOfSquares', Object.fromEntries(tensors.entries()), {});
    const values = Int32Array.from(bits!.dataSync<'int32'>());
    bits!.dispose();
    return Array.from(new Float64Array(values.buffer));
  }
  const sums: number[] = [];
  for (const tensor of tensors) {
    const values = await tensor.data<'float32'>();
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
    sums.push(sum);
  }
  return sums;
}
