import { differentiable, ModelError } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { TransfoXLConfig } from './config.js';

/**
 * What a Transformer-XL remembers of the segments before: for each layer, what went into it, [batch,
 * remembered, dModel], the oldest first.
 */
export type Memories = readonly tf.Tensor[];

/** Memories in which nothing is: zeros, or with `length` 0 none at all. The caller owns them. */
export function emptyMemories(
  { nLayer, dModel }: TransfoXLConfig,
  batch: number,
  length: number,
): tf.Tensor[] {
  if (!(Number.isSafeInteger(batch) && batch > 0 && Number.isSafeInteger(length) && length >= 0)) {
    throw new ModelError(
      'BAD_INPUT',
      `Memories are of at least a row and of 0 tokens or more, not of ${batch} rows and ${length} tokens.`,
    );
  }
  return Array.from({ length: nLayer }, () => tf.zeros([batch, length, dModel]));
}

/** What a text begins with: nothing at all, or so many zeros. */
export const firstMemories = (
  config: TransfoXLConfig,
  batch: number,
  memLen: number,
): tf.Tensor[] => emptyMemories(config, batch, config.emptyStart ? 0 : memLen);

/** @throws ModelError `WRONG_SHAPE` for memories of another model or batch, `DISPOSED` for gone ones */
export function checkMemories(mems: Memories, batch: number, config: TransfoXLConfig): void {
  if (mems.some((mem) => mem.isDisposed)) {
    throw new ModelError(
      'DISPOSED',
      'mems were disposed of, with the outputs that they came in: clone what must outlive them.',
    );
  }
  const { nLayer, dModel } = config;
  const length = mems[0]?.shape[1];
  const shape = `${batch},${length},${dModel}`;
  if (mems.length === nLayer && mems.every((mem) => mem.shape.join() === shape)) return;
  throw new ModelError(
    'WRONG_SHAPE',
    `mems are ${mems.length} tensors [${mems.map((mem) => `${mem.shape}`).join('], [')}]; this model takes ${nLayer} of [${batch}, remembered, ${dModel}], one a layer, for a batch of ${batch}.`,
  );
}

/** [batch, remembered, d] and [batch, length, d] → [batch, remembered + length, d] */
export function joined(memory: tf.Tensor | undefined, segment: tf.Tensor): tf.Tensor {
  return memory === undefined || memory.shape[1] === 0 ? segment : tf.concat([memory, segment], 1);
}

/**
 * What is remembered after a segment: of memory and segment together the last `memLen` before the
 * `extLen` with which the next segment begins (Dai et al. 2019, §3.2). A new tensor, through which no
 * gradient flows to the segment before.
 */
export function nextMemory(
  memory: tf.Tensor | undefined,
  segment: tf.Tensor,
  lengths: { memLen: number; extLen: number },
): tf.Tensor {
  const given = memory === undefined ? [segment] : [segment, memory];
  const shapes = given.map(({ shape }) => shape);
  return differentiable({
    forward: (segment, memory) => ({ value: kept(memory, segment!, lengths), saved: [] }),
    backward: () => shapes.map((shape) => tf.zeros(shape)),
  })(...given);
}

function kept(
  memory: tf.Tensor | undefined,
  segment: tf.Tensor,
  { memLen, extLen }: { memLen: number; extLen: number },
): tf.Tensor {
  const remembered = memory?.shape[1] ?? 0;
  const [batch, length, width] = segment.shape as [number, number, number];
  const end = remembered + Math.max(0, length - extLen);
  const start = Math.max(0, end - memLen);
  if (memory === undefined || start >= remembered) {
    return tf.slice(segment, [0, start - remembered, 0], [batch, end - start, width]);
  }
  const old = tf.slice(memory, [0, start, 0], [batch, Math.min(end, remembered) - start, width]);
  if (end <= remembered) return old;
  const added = tf.slice(segment, [0, 0, 0], [batch, end - remembered, width]);
  return tf.concat([old, added], 1);
}
