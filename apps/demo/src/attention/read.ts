import type { Tensor } from '@tensorflow/tfjs-core';
import type { Attention } from './attention.js';

/** A model's `attentions` of one text, to be sent from a worker: each layer's [1, heads, length, length]. */
export async function readAttention(attentions: readonly Tensor[]): Promise<Attention> {
  const [, heads, length] = attentions[0]!.shape as [number, number, number, number];
  const size = heads * length * length;
  const weights = new Float32Array(attentions.length * size);
  for (const [layer, attention] of attentions.entries()) {
    weights.set(await attention.data<'float32'>(), layer * size);
  }
  return { layers: attentions.length, heads, length, weights };
}
