import { keep, type Tensor } from '@tensorflow/tfjs-core';
import { ModelError } from './errors.js';

/**
 * A weight of a model: a tensor that lives until the model is disposed, and whose `path` is its key
 * in the checkpoint.
 */
export class Parameter {
  /** False leaves it out of gradients and so out of training. */
  trainable = true;
  readonly shape: readonly number[];
  #value: Tensor | undefined;

  /** Takes ownership of `value`. */
  constructor(
    readonly path: string,
    value: Tensor,
  ) {
    this.shape = value.shape;
    this.#value = keep(value);
  }

  /** The tensor. It stays the parameter's own: do not dispose it. */
  get value(): Tensor {
    if (this.#value === undefined) {
      throw new ModelError('DISPOSED', `The parameter ${this.path} was used after dispose().`);
    }
    return this.#value;
  }

  /** Replaces the value, taking ownership of the new tensor and freeing the old one. */
  assign(value: Tensor): void {
    if (value.shape.join() !== this.shape.join()) {
      throw new ModelError(
        'WRONG_SHAPE',
        `The parameter ${this.path} is [${this.shape}] and cannot become [${value.shape}].`,
      );
    }
    const old = this.value;
    this.#value = keep(value);
    if (old !== value) old.dispose();
  }

  dispose(): void {
    this.#value?.dispose();
    this.#value = undefined;
  }
}

/** What an op accepts: a tensor, or a parameter of a model. */
export type Operand = Tensor | Parameter;

export function tensorOf(operand: Operand): Tensor {
  return operand instanceof Parameter ? operand.value : operand;
}
