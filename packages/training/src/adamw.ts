import { kernelOr } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { expectRange } from './errors.js';
import type { Optimizer, ParameterUpdate } from './optimizer.js';
import { isMatrix, type WeightDecayOptions } from './weight-decay.js';

export interface AdamWOptions extends WeightDecayOptions {
  /** Decay of the running means of the gradient and of its square; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; default 1e-8. */
  epsilon?: number;
  /** Share of the learning rate by which weights shrink at each update; default 0.01. */
  weightDecay?: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), as `torch.optim.AdamW`
 * computes it: the learning rate also scales the decay, and the bias corrections are taken in float64.
 *
 * @throws TrainingError `BAD_OPTION`
 */
export function adamW(options: AdamWOptions = {}): Optimizer {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01, decays = isMatrix } = options;
  const [beta1, beta2] = betas;
  expectRange('adamW: betas[0]', beta1, 0, 1);
  expectRange('adamW: betas[1]', beta2, 0, 1);
  expectRange('adamW: epsilon', epsilon, 0, Number.POSITIVE_INFINITY);
  expectRange('adamW: weightDecay', weightDecay, 0, Number.POSITIVE_INFINITY);

  function update(given: ParameterUpdate) {
    const { key, parameter, gradient, gradientScale: scale, state, learningRate } = given;
    const step = (state?.step ?? 0) + 1;
    const decay = decays(key, parameter.shape) ? weightDecay : 0;
    // θ ← (1 − ηλ)θ − η·m̂/(√v̂ + ε), where m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ). Both corrections
    // are put into the two scalars, which saves two passes over the parameter:
    // η·m̂/(√v̂ + ε) = η·c/(1 − β₁ᵗ) · m/(√v + c·ε), with c = √(1 − β₂ᵗ).
    const c = Math.sqrt(1 - beta2 ** step);
    const attrs = {
      beta1,
      beta2,
      epsilon: c * epsilon,
      stepSize: (learningRate * c) / (1 - beta1 ** step),
      keep: 1 - learningRate * decay,
      scale,
    };
    const inputs = {
      parameter,
      gradient,
      expAvg: state?.tensors.exp_avg,
      expAvgSq: state?.tensors.exp_avg_sq,
    };
    const [next, m, v] = kernelOr('MhAdamW', inputs, attrs, () => composition(inputs, attrs));
    return { parameter: next!, state: { step, tensors: { exp_avg: m!, exp_avg_sq: v! } } };
  }

  return { settings: { name: 'AdamW', beta1, beta2, epsilon, weightDecay }, update };
}

interface Inputs {
  parameter: tf.Tensor;
  gradient: tf.Tensor;
  /** Absent at the first update, where they are zero. */
  expAvg: tf.Tensor | undefined;
  expAvgSq: tf.Tensor | undefined;
}

type Attrs = Record<'beta1' | 'beta2' | 'epsilon' | 'stepSize' | 'keep' | 'scale', number>;

/** → [parameter, expAvg, expAvgSq] */
function composition({ parameter, gradient, expAvg, expAvgSq }: Inputs, attrs: Attrs): tf.Tensor[] {
  const { beta1, beta2, epsilon, stepSize, keep, scale } = attrs;
  return tf.tidy(() => {
    const g = scale === 1 ? gradient : tf.mul(gradient, scale);
    const m1 = tf.mul(g, 1 - beta1);
    const v1 = tf.mul(tf.square(g), 1 - beta2);
    const m = expAvg === undefined ? m1 : tf.add(tf.mul(expAvg, beta1), m1);
    const v = expAvgSq === undefined ? v1 : tf.add(tf.mul(expAvgSq, beta2), v1);
    const change = tf.div(tf.mul(m, stepSize), tf.add(tf.sqrt(v), epsilon));
    const kept = keep === 1 ? parameter : tf.mul(parameter, keep);
    return [tf.sub(kept, change), m, v];
  });
}
