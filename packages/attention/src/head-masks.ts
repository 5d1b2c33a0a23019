import { ModelError, type Numbers, readNumbers } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';

/**
 * What multiplies the attention weights of each head, one mask [1, heads, 1, 1] a layer: `headMask` is
 * [heads], for all layers, or [layers, heads].
 *
 * @throws ModelError `WRONG_SHAPE` for anything else
 */
export function headMasks(
  headMask: Numbers,
  { layers, heads }: { layers: number; heads: number },
): tf.Tensor[] {
  return tf.tidy(() => {
    const mask = readNumbers(headMask);
    const shape = mask?.shape.join();
    if (mask === undefined || (shape !== `${heads}` && shape !== `${layers},${heads}`)) {
      throw new ModelError(
        'WRONG_SHAPE',
        `headMask is ${mask ? `[${shape}]` : 'no rows of numbers of one length'}; it must be [${heads}] or [${layers},${heads}].`,
      );
    }
    const all = tf.broadcastTo(mask, [layers, heads]);
    return tf.unstack(tf.reshape(all, [layers, 1, heads, 1, 1]));
  });
}
