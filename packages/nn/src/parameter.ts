import { keep, type Tensor } from '@tensorflow/tfjs-core';
import { ModelError } from './errors.js';
import { QuantizedMatrix } from './quantized-matrix.js';

/**
 * A weight of a model: a tensor that lives until the model is disposed, and whose `path` is its key
 * in the checkpoint. In a model loaded as q8, matrices are held in int8.
 */
export class Parameter {
  /** False leaves it out of gradients and so out of training. */
  trainable = true;
  readonly shape: readonly number[];
  #held: Tensor | QuantizedMatrix | undefined;

  /** Takes ownership of `value`; a shape in its place makes a parameter that has none. */
  constructor(
    readonly path: string,
    value: Tensor | QuantizedMatrix | readonly number[],
  ) {
    this.shape = 'shape' in value ? value.shape : value;
    if ('shape' in value) this.#held = value instanceof QuantizedMatrix ? value : keep(value);
  }

  /**
   * The tensor. It stays the parameter's own: do not dispose it.
   *
   * @throws ModelError `QUANTIZED` where the parameter is held in int8, `DISPOSED`
   */
  get value(): Tensor {
    const held = this.held;
    if (held instanceof QuantizedMatrix) {
      throw new ModelError(
        'QUANTIZED',
        `The parameter ${this.path} is held in int8, rounded (dtype: 'q8'): it cannot be trained, saved or read as floats. ` +
          "Load the model with dtype: 'float32' for that; to train only others, set trainable = false on this one.",
      );
    }
    return held;
  }

  /** What is held: the tensor, or the matrix in int8. */
  get held(): Tensor | QuantizedMatrix {
    if (this.#held === undefined) {
      throw new ModelError('DISPOSED', `The parameter ${this.path} was used after dispose().`);
    }
    return this.#held;
  }

  /** Replaces the value, taking ownership of the new tensor and freeing the old one. */
  assign(value: Tensor): void {
    if (value.shape.join() !== this.shape.join()) {
      throw new ModelError(
        'WRONG_SHAPE',
        `The parameter ${this.path} is [${this.shape}] and cannot become [${value.shape}].`,
      );
    }
    const old = this.held;
    this.#held = keep(value);
    if (old !== value) old.dispose();
  }

  dispose(): void {
    this.#held?.dispose();
    this.#held = undefined;
  }
}

/** What an op accepts: a tensor, or a parameter of a model. */
export type Operand = Tensor | Parameter;

export function tensorOf(operand: Operand): Tensor {
  return operand instanceof Parameter ? operand.value : operand;
}

/** What `linear` and `embedding` multiply by: they take matrices in int8 too. */
export function matrixOf(operand: Operand): Tensor | QuantizedMatrix {
  return operand instanceof Parameter ? operand.held : operand;
}
