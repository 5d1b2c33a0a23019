import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { kernelOr } from './kernel.js';
import { hash, type Random } from './random.js';

/**
 * Zeroes each element with probability `rate` and scales the rest by 1/(1 − rate) (Srivastava et al.
 * 2014, §10). Which elements is a pure function of `seed` and the element's index, the same on every
 * backend and machine, so the backward pass stores nothing.
 *
 * @throws ModelError `BAD_CONFIG` for a rate that is not from 0 up to but not 1
 */
export function dropout(x: tf.Tensor, rate: number, seed: number): tf.Tensor {
  checkRate(rate);
  if (rate === 0) return tf.clone(x);
  const drop = (x: tf.Tensor) =>
    kernelOr('MhDropout', { x }, { rate, seed }, () => [
      tf.mul(x, dropoutMask(x.shape, rate, seed)),
    ]);
  return differentiable({
    forward: (x) => ({ value: drop(x!)[0]!, saved: [] }),
    backward: (dy) => drop(dy),
  })(x);
}

function checkRate(rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new ModelError('BAD_CONFIG', `A dropout rate is from 0 up to but not 1, not ${rate}.`);
}

/** What `dropout` multiplies by: 0 or 1/(1 − rate), float32 of `shape`. */
export function dropoutMask(shape: number[], rate: number, seed: number): tf.Tensor {
  checkRate(rate);
  const kept = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const threshold = Math.floor(rate * 2 ** 24);
  const scale = 1 / (1 - rate);
  for (let i = 0; i < kept.length; i++) {
    if (hash(seed, i) >>> 8 >= threshold) kept[i] = scale;
  }
  return tf.tensor(kept, shape, 'float32');
}

/** Dropout as a layer: without a generator (inference) it returns its input. */
export class Dropout {
  /** @throws ModelError `BAD_CONFIG` for a rate that is not from 0 up to but not 1 */
  constructor(readonly rate: number) {
    checkRate(rate);
  }

  /** Any shape → the same shape. */
  forward(x: tf.Tensor, random: Random | undefined): tf.Tensor {
    return random === undefined || this.rate === 0 ? x : dropout(x, this.rate, random.int32());
  }
}
