import * as tf from '@tensorflow/tfjs-core';
import type { GPT2LMHeadModel } from '../src/index.js';

/** How many of all inputs of this many letters the model sorts, greedily and all in one batch. */
export function sortedBy(model: GPT2LMHeadModel, letters: number): number {
  const count = 3 ** letters;
  const inputs = Array.from({ length: count }, (_, i) =>
    Array.from({ length: letters }, (_, k) => Math.floor(i / 3 ** k) % 3),
  );
  using state = model.createState({ batch: count, capacity: 2 * letters });
  let next = inputs;
  const written = inputs.map((): number[] => []);
  for (let i = 0; i < letters; i++) {
    using outputs = model.step(next, state);
    const best = tf.tidy(() => Array.from(tf.argMax(outputs.logits, -1).dataSync()));
    next = best.map((id) => [id]);
    best.forEach((id, row) => {
      written[row]!.push(id);
    });
  }
  return inputs.filter((row, i) => `${[...row].sort()}` === `${written[i]}`).length;
}
