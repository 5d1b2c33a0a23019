import * as tf from '@tensorflow/tfjs-core';
import { ModelError } from './errors.js';

/** Rows of W in a panel, and neighbours along a row that lie together: what SIMD reads at once. */
const ROWS = 16;
const RUN = 4;
/** The largest whole number. */
const LARGEST = 127;
/** What is added to a whole number to make it a byte. */
const ZERO = 128;
/** Where no value of a row is larger, the row counts as zeros: its scale would have no inverse. */
export const TINY: number = 2 ** -100;

/**
 * Which side of a stored matrix has one scale for each of its lines: the side of the outputs. Rows for
 * [out, in] and for tables of embeddings, columns for [in, out].
 */
export type QuantizedBy = 'rows' | 'columns';

/**
 * A matrix in a byte an element: row i of W is scales[i] times whole numbers from −127 to 127. It takes a
 * quarter of float32's memory, and is what integer SIMD multiplies (docs/decisions/0010).
 */
export class QuantizedMatrix {
  /** As it was stored: W's, or, quantized by columns, Wᵀ's. */
  readonly shape: readonly number[];
  /** Rows and columns of W. */
  readonly rows: number;
  readonly columns: number;
  /**
   * The whole numbers + 128, in panels [⌈rows / 16⌉, ⌈columns / 4⌉, 16, 4], with 128 past W's end. Of
   * tfjs's one type that takes a byte, which it calls bool.
   */
  readonly values: tf.Tensor;
  /** float32 [rows]; NaN for a row with a NaN or an Infinity. */
  readonly scales: tf.Tensor;
  /** int32 [rows]: the sum of each row's whole numbers. */
  readonly sums: tf.Tensor;

  /** Rounds `matrix`, row-major and of `shape`. @throws ModelError `WRONG_SHAPE` if it is none */
  constructor(
    matrix: Float32Array,
    shape: readonly number[],
    readonly by: QuantizedBy = 'rows',
  ) {
    if (shape.length !== 2 || matrix.length !== shape[0]! * shape[1]!) {
      const message = `${matrix.length} values are no matrix [${shape}] to quantize.`;
      throw new ModelError('WRONG_SHAPE', message);
    }
    this.shape = shape;
    const [stored, width] = shape as [number, number];
    [this.rows, this.columns] = by === 'rows' ? [stored, width] : [width, stored];
    const [rowStep, columnStep] = by === 'rows' ? [width, 1] : [1, width];
    const panels = Math.ceil(this.rows / ROWS);
    const runs = Math.ceil(this.columns / RUN);
    const bytes = new Uint8Array(panels * runs * ROWS * RUN).fill(ZERO);
    const scales = new Float32Array(this.rows);
    const sums = new Int32Array(this.rows);
    const inverses = new Float64Array(ROWS);
    for (let panel = 0; panel < panels; panel++) {
      const first = panel * ROWS;
      const count = Math.min(ROWS, this.rows - first);
      for (let i = 0; i < count; i++) {
        const largest = largestOf(matrix, (first + i) * rowStep, columnStep, this.columns);
        scales[first + i] = largest < TINY ? 0 : largest / LARGEST;
        inverses[i] = largest >= TINY ? LARGEST / largest : 0;
      }
      for (let j = 0; j < this.columns; j++) {
        const from = first * rowStep + j * columnStep;
        const to = (panel * runs + (j >> 2)) * ROWS * RUN + (j & 3);
        for (let i = 0; i < count; i++) {
          // Positive before it is cut to a whole number, so that it rounds to the nearest.
          const byte = (matrix[from + i * rowStep]! * inverses[i]! + (ZERO + 0.5)) | 0;
          bytes[to + i * RUN] = byte;
          sums[first + i]! += byte - ZERO;
        }
      }
    }
    this.values = tf.keep(tf.tensor(bytes, [panels, runs, ROWS, RUN], 'bool'));
    this.scales = tf.keep(tf.tensor1d(scales, 'float32'));
    this.sums = tf.keep(tf.tensor1d(sums, 'int32'));
  }

  /** The whole numbers that bytes of `values` stand for. */
  toIntegers(bytes: tf.Tensor): tf.Tensor {
    return tf.tidy(() => tf.sub(tf.cast(bytes, 'float32'), ZERO));
  }

  /** The whole numbers of W: a new float32 tensor [rows, columns]. */
  integers(): tf.Tensor {
    return tf.tidy(() => {
      const numbers = this.toIntegers(this.values);
      const [panels, runs] = numbers.shape as [number, number];
      const padded = tf.reshape(tf.transpose(numbers, [0, 2, 1, 3]), [panels * ROWS, runs * RUN]);
      return tf.slice(padded, [0, 0], [this.rows, this.columns]);
    });
  }

  /** W: a new float32 tensor [rows, columns]. */
  dequantize(): tf.Tensor {
    return tf.tidy(() => tf.mul(this.integers(), tf.reshape(this.scales, [-1, 1])));
  }

  dispose(): void {
    this.values.dispose();
    this.scales.dispose();
    this.sums.dispose();
  }
}

/** The largest magnitude of a line; NaN where one is none or has no end. */
function largestOf(values: Float32Array, from: number, step: number, count: number): number {
  let largest = 0;
  for (let j = 0, at = from; j < count; j++, at += step) {
    const size = Math.abs(values[at]!);
    if (!(size <= largest)) largest = size; // a NaN stays: it is not ≤, nor is anything ≤ it
  }
  return largest < Number.POSITIVE_INFINITY ? largest : Number.NaN;
}
