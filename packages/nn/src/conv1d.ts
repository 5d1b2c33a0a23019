import type { Tensor } from '@tensorflow/tfjs-core';
import { type ActivationName, activationName } from './activations.js';
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
  readonly #activation: ActivationName | undefined;

  /** @throws ModelError `BAD_CONFIG` for an activation that is not known */
  constructor(weights: Weights, options: Omit<LinearOptions, 'bias'>) {
    const { inFeatures, outFeatures, initializer = normal(0.02) } = options;
    this.weight = weights.parameter('weight', [inFeatures, outFeatures], initializer, {
      quantizedBy: 'columns',
    });
    this.bias = weights.parameter('bias', [outFeatures], zeros);
    this.#activation =
      options.activation === undefined ? undefined : activationName(options.activation);
  }

  /** [..., inFeatures] → [..., outFeatures] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias, {
      transposed: true,
      activation: this.#activation,
    });
  }
}
