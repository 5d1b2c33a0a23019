import type { Tensor } from '@tensorflow/tfjs-core';
import { type LinearOptions, linear } from './linear.js';
import type { Parameter } from './parameter.js';
import { normal, type Weights, zeros } from './weights.js';

/**
 * A fully connected layer whose `weight` is [inFeatures, outFeatures]: how GPT and GPT-2 wrote their
 * layers (as a convolution of width 1) and how their checkpoints still store them.
 */
export class Conv1D {
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(weights: Weights, options: Omit<LinearOptions, 'bias'>) {
    const { inFeatures, outFeatures, initializer = normal(0.02) } = options;
    this.weight = weights.parameter('weight', [inFeatures, outFeatures], initializer, {
      quantizedBy: 'columns',
    });
    this.bias = weights.parameter('bias', [outFeatures], zeros);
  }

  /** [..., inFeatures] → [..., outFeatures] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias, { transposed: true });
  }
}
