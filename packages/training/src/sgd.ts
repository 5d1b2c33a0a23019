import * as tf from '@tensorflow/tfjs-core';
import { expectRange, TrainingError } from './errors.js';
import type { Optimizer, ParameterUpdate } from './optimizer.js';
import { decayedGradient, type WeightDecayOptions } from './weight-decay.js';

export interface SgdOptions extends WeightDecayOptions {
  /** What stays of the last change; default 0. */
  momentum?: number;
  /** Look ahead along the momentum (Sutskever et al. 2013, §2); default false. */
  nesterov?: boolean;
  /** Times the weight, added to the gradient; default 0. */
  weightDecay?: number;
}

/**
 * Stochastic gradient descent, as `torch.optim.SGD` computes it without dampening: with momentum the
 * learning rate scales the whole change, not what is remembered of it.
 *
 * @throws TrainingError `BAD_OPTION`
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
  expectRange('sgd: momentum', momentum, 0, 1);
  expectRange('sgd: weightDecay', weightDecay, 0, Number.POSITIVE_INFINITY);
  if (nesterov && momentum === 0) {
    throw new TrainingError('BAD_OPTION', 'sgd: nesterov looks ahead along a momentum above 0.');
  }

  function update(given: ParameterUpdate) {
    const { parameter, state, learningRate } = given;
    const before = state?.tensors.momentum_buffer;
    // g ← g + λθ, b ← μb + g, θ ← θ − η·b, or with Nesterov's θ − η(g + μb)
    const [next, buffer] = tf.tidy(() => {
      const g = decayedGradient(given, options);
      if (momentum === 0) return [tf.sub(parameter, tf.mul(g, learningRate))];
      const b = before === undefined ? tf.clone(g) : tf.add(tf.mul(before, momentum), g);
      const change = nesterov ? tf.add(g, tf.mul(b, momentum)) : b;
      return [tf.sub(parameter, tf.mul(change, learningRate)), b];
    });
    const tensors = buffer === undefined ? {} : { momentum_buffer: buffer };
    return { parameter: next!, state: { step: (state?.step ?? 0) + 1, tensors } };
  }

  return { settings: { name: 'SGD', momentum, nesterov, weightDecay }, update };
}
