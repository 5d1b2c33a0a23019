import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.js';

/** The columns of a panel. */
const WIDTH = 16;

/**
 * A matrix W that is multiplied by as x·Wᵀ and not changed: every 16 of its rows are a panel, [in, 16],
 * which a product reads as one stream; the rows that are left follow as they are. It holds the numbers
 * of the matrix in the room of the matrix, to the bit.
 */
export class PackedMatrix {
  /** As it was stored: W's [out, in] (by rows), or [in, out] (by columns). */
  readonly shape: readonly number[];
  readonly #panels: tf.Tensor;

  /** Takes ownership of `matrix`; where it is stored by rows, its memory too. */
  constructor(
    matrix: tf.Tensor,
    readonly by: 'rows' | 'columns',
  ) {
    this.shape = matrix.shape;
    const [panels] = runKernel('MhPanels', { b: matrix }, { transposeB: by === 'rows' });
    this.#panels = tf.keep(panels!);
    matrix.dispose();
  }

  /** float32 [out, in], as `MhMatMul` and `MhEmbedding` take them. It stays the matrix's own. */
  get panels(): tf.Tensor {
    return this.#panels;
  }

  /** The matrix as it was stored: a new tensor, made by plain ops, so on any backend. */
  unpack(): tf.Tensor {
    return tf.tidy(() => {
      const [rows, length] = this.#panels.shape as [number, number];
      const whole = rows - (rows % WIDTH);
      const part = (from: number, to: number) =>
        tf.slice(this.#panels, [from, 0], [to - from, length]);
      const panels = tf.reshape(part(0, whole), [whole / WIDTH, length, WIDTH]);
      const turned = tf.reshape(tf.transpose(panels, [0, 2, 1]), [whole, length]);
      const all = whole === rows ? turned : tf.concat([turned, part(whole, rows)]);
      return this.by === 'rows' ? all : tf.transpose(all);
    });
  }

  dispose(): void {
    this.#panels.dispose();
  }
}

/** Whether packing pays: there is a kernel for it, and a panel to fill. */
export function isWorthPacking(matrix: tf.Tensor, by: 'rows' | 'columns'): boolean {
  return hasKernel('MhPanels') && matrix.shape[by === 'rows' ? 0 : 1]! >= WIDTH && matrix.size > 0;
}
