// One BERT on one thread and on several, in turns; in Node and in a page alike.
import { BertModel } from '@multihead/bert';
import { useWasm } from '@multihead/wasm';
import { alternate, table } from './alternate.mjs';

/** Milliseconds that a thread takes to start, and more. */
const STARTING = 100;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {object} given as in `compareEncoders` (encoders.mjs); `threads` is how many to compare with one
 */
export async function compareThreads({ models, model, shapes, dtype, threads, rounds, say }) {
  await useWasm();
  const ours = await BertModel.fromPretrained(`${models}/${model}`, {
    dtype,
    addPoolingLayer: false,
  });
  for (const [batch, length] of shapes) {
    const inputIds = Array.from({ length: batch }, (_, i) =>
      Array.from({ length }, (_, j) => 1000 + (((i * length + j) * 7919) % 29000)),
    );
    const forward = async () => {
      const outputs = ours.forward({ inputIds });
      await outputs.lastHiddenState.data();
      outputs.dispose();
    };
    const on = (count) => ({
      before: async () => {
        const info = await useWasm({ threads: count });
        if (info.threads !== count)
          throw new Error(`There are ${info.threads} threads, not ${count}`);
        await forward(); // threads start with the first work
        await pause(STARTING);
        for (let i = 0; i < 3; i++) await forward(); // and are awake, their JavaScript compiled
      },
      work: forward,
    });
    const peers = { [`${threads} threads`]: on(threads), '1 thread': on(1) };
    say(table(`${model} ${batch}×${length}, ${dtype}`, await alternate(peers, rounds)));
  }
  ours.dispose();
}
