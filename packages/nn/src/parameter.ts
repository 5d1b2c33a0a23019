import { keep, type Tensor } from '@tensorflow/tfjs-core';
import { isRecording } from './differentiable.js';
import { ModelError } from './errors.js';
import { hasKernel } from './kernel.js';
import { isWorthPacking, PackedMatrix } from './packed-matrix.js';
import { QuantizedMatrix } from './quantized-matrix.js';

/**
 * A weight of a model: a tensor that lives until the model is disposed, and whose `path` is its key
 * in the checkpoint. In a model loaded as q8, matrices are held in int8.
 *
 * In a model that only runs, a matrix is held as its product reads it fastest (`packed`): it becomes
 * such when it is first multiplied by, in the same memory, and a tensor again when something else needs
 * it. Who has asked for `value` keeps that tensor: it is not packed before `assign`.
 */
export class Parameter {
  /** False leaves it out of gradients and so out of training. */
  trainable = true;
  readonly shape: readonly number[];
  #held: Tensor | PackedMatrix | QuantizedMatrix | undefined;
  /** Whether somebody may still have the tensor. */
  #lent = false;

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
    const value = this.tensor();
    this.#lent = true;
    return value;
  }

  /** What is held now. */
  get held(): Tensor | PackedMatrix | QuantizedMatrix {
    if (this.#held === undefined) {
      throw new ModelError('DISPOSED', `The parameter ${this.path} was used after dispose().`);
    }
    return this.#held;
  }

  /** The tensor, for an op that does not keep it; the errors are those of `value`. */
  tensor(): Tensor {
    const { held } = this;
    if (held instanceof QuantizedMatrix) {
      throw new ModelError(
        'QUANTIZED',
        `The parameter ${this.path} is held in int8, rounded (dtype: 'q8'): it cannot be trained, saved or read as floats. ` +
          "Load the model with dtype: 'float32' for that; to train only others, set trainable = false on this one.",
      );
    }
    if (!(held instanceof PackedMatrix)) return held;
    const value = keep(held.unpack());
    this.#held = value;
    held.dispose();
    return value;
  }

  /**
   * The matrix packed for products by its rows or columns; undefined where it has to stay a tensor: a
   * gradient is recorded, somebody has the tensor, or the backend has no kernels for it.
   */
  packed(by: 'rows' | 'columns'): PackedMatrix | undefined {
    const { held } = this;
    if (isRecording() || !hasKernel('MhPanels')) return undefined;
    if (held instanceof PackedMatrix) return held.by === by ? held : undefined;
    if (held instanceof QuantizedMatrix || this.#lent || !isWorthPacking(held, by))
      return undefined;
    const packed = new PackedMatrix(held, by);
    this.#held = packed;
    return packed;
  }

  /** The numbers, in order, packed or not; the errors are those of `value`. */
  async data(): Promise<Float32Array> {
    const { held } = this;
    if (!(held instanceof PackedMatrix)) return (await this.tensor().data()) as Float32Array;
    const value = held.unpack();
    try {
      return (await value.data()) as Float32Array;
    } finally {
      value.dispose();
    }
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
    this.#lent = false;
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
  return operand instanceof Parameter ? operand.tensor() : operand;
}

/** The operand packed, where it is a parameter that can be. */
export function packedOf(operand: Operand, by: 'rows' | 'columns'): PackedMatrix | undefined {
  return operand instanceof Parameter ? operand.packed(by) : undefined;
}

/** What an op that takes matrices in int8 too multiplies by. */
export function matrixOf(operand: Operand): Tensor | QuantizedMatrix {
  return quantizedOf(operand) ?? tensorOf(operand);
}

/** The matrix in int8, where the operand is a parameter that is held as such. */
export function quantizedOf(operand: Operand): QuantizedMatrix | undefined {
  const held = operand instanceof Parameter ? operand.held : undefined;
  return held instanceof QuantizedMatrix ? held : undefined;
}
