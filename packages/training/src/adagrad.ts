import * as tf from '@tensorflow/tfjs-core';
import { expectRange } from './errors.js';
import type { Optimizer, ParameterUpdate } from './optimizer.js';
import { decayedGradient, type WeightDecayOptions } from './weight-decay.js';

export interface AdagradOptions extends WeightDecayOptions {
  /** Added to the denominator; default 1e-10. */
  epsilon?: number;
  /** What the sums of squares begin with; default 0. */
  initialAccumulatorValue?: number;
  /** Times the weight, added to the gradient; default 0. */
  weightDecay?: number;
}

/**
 * Adagrad (Duchi et al. 2011), as `torch.optim.Adagrad` computes it: every weight's rate falls with the
 * root of the sum of its squared gradients. (PyTorch's `lr_decay` is a matter of the schedule.)
 *
 * @throws TrainingError `BAD_OPTION`
 */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  const { epsilon = 1e-10, initialAccumulatorValue = 0, weightDecay = 0 } = options;
  for (const [name, value] of Object.entries({ epsilon, initialAccumulatorValue, weightDecay })) {
    expectRange(`adagrad: ${name}`, value, 0, Number.POSITIVE_INFINITY);
  }

  function update(given: ParameterUpdate) {
    const { parameter, state, learningRate } = given;
    // g ← g + λθ, s ← s + g², θ ← θ − η·g / (√s + ε)
    const [next, sum] = tf.tidy(() => {
      const g = decayedGradient(given, options);
      const s = tf.add(tf.square(g), state?.tensors.sum ?? initialAccumulatorValue);
      const change = tf.div(tf.mul(g, learningRate), tf.add(tf.sqrt(s), epsilon));
      return [tf.sub(parameter, change), s];
    });
    return { parameter: next!, state: { step: (state?.step ?? 0) + 1, tensors: { sum: sum! } } };
  }

  return { settings: { name: 'Adagrad', epsilon, initialAccumulatorValue, weightDecay }, update };
}
