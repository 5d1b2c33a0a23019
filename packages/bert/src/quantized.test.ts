import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { readSafetensors, toInt32 } from '@multihead/checkpoint';
import { type ModelOutput, QuantizedMatrix, valueAndGradients } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { BertForMaskedLM, BertModel, type BertTrunkOutputs } from './index.js';

/*
 * Real weights in int8 beside the same in float32: the model in this repository, and all-MiniLM-L6-v2
 * where MULTIHEAD_MINILM names its folder (see minilm.test.ts).
 */
const embedded = fileURLToPath(new URL('../../../models/bert-mini-english', import.meta.url));
const fixture = fileURLToPath(new URL('../fixtures/minilm-expected.safetensors', import.meta.url));
const backends = [
  { backend: 'wasm', start: () => useWasm() },
  { backend: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
  { backend: 'cpu', start: () => tf.setBackend('cpu') },
];

/** The least cosine similarity of the tokens' states, and that of all states as one vector, a layer. */
function similarities(exact: tf.Tensor, near: tf.Tensor, mask: Int32Array) {
  const size = exact.shape.at(-1)!;
  const [x, y] = [exact.dataSync(), near.dataSync()];
  const all = [0, 0, 0];
  let least = 1;
  mask.forEach((real, row) => {
    if (!real) return;
    const sums = [0, 0, 0];
    for (let i = row * size; i < (row + 1) * size; i++) {
      sums[0]! += x[i]! * y[i]!;
      sums[1]! += x[i]! ** 2;
      sums[2]! += y[i]! ** 2;
    }
    least = Math.min(least, sums[0]! / Math.sqrt(sums[1]! * sums[2]!));
    for (const i of [0, 1, 2]) all[i]! += sums[i]!;
  });
  return { least, all: all[0]! / Math.sqrt(all[1]! * all[2]!) };
}

const states = (outputs: ModelOutput<BertTrunkOutputs>) => outputs.hiddenStates!;

async function compare(folder: string, inputIds: number[][], attentionMask: number[][]) {
  const before = tf.memory();
  const options = { addPoolingLayer: false };
  const model = await BertModel.fromPretrained(folder, options);
  const floats = tf.memory().numBytes - before.numBytes;
  const small = await BertModel.fromPretrained(folder, { ...options, dtype: 'q8' });
  const bytes = tf.memory().numBytes - before.numBytes - floats;
  const inputs = { inputIds, attentionMask };
  const outputs = [model, small].map((m) => m.forward(inputs, { outputHiddenStates: true }));
  const mask = Int32Array.from(attentionMask.flat());
  const layers = states(outputs[0]!).map((exact, i) =>
    similarities(exact, states(outputs[1]!)[i]!, mask),
  );
  for (const held of [...outputs, model, small]) held.dispose();
  expect(tf.memory().numTensors).toBe(before.numTensors);
  return { layers, memory: bytes / floats };
}

describe.each(backends)('q8 on $backend', ({ start }) => {
  test('bert-mini-english: every state within a cosine of 0.999, in a quarter of the memory', async () => {
    await start();
    const inputIds = [
      Array.from({ length: 40 }, (_, i) => 5 + ((i * 7919) % 4000)),
      Array.from({ length: 40 }, (_, i) => (i < 25 ? 5 + ((i * 104729) % 4000) : 0)),
    ];
    const mask = inputIds.map((row) => row.map((id) => (id === 0 ? 0 : 1)));
    const { layers, memory } = await compare(embedded, inputIds, mask);
    expect(layers.length).toBe(3);
    for (const { least } of layers) expect(least).toBeGreaterThan(0.999);
    expect(memory).toBeLessThan(0.27);
  });
});

test('a tied decoder shares the table of embeddings, in int8, and predicts the same', async () => {
  await useWasm();
  const before = tf.memory().numTensors;
  const model = await BertForMaskedLM.fromPretrained(embedded);
  const small = await BertForMaskedLM.fromPretrained(embedded, { dtype: 'q8' });
  expect(small.decoderWeight.held).toBeInstanceOf(QuantizedMatrix);
  expect(small.decoderWeight).toBe(small.bert.embeddings.wordEmbeddings.weight);
  const inputIds = [[2, 100, 4, 200, 300, 4, 3]];
  const outputs = [model, small].map((m) => m.forward({ inputIds }));
  const best = outputs.map(({ logits }) => tf.tidy(() => [...tf.argMax(logits!, -1).dataSync()]));
  expect(best[1]).toEqual(best[0]);
  const losses = [model, small].map((m) => {
    using outputs = m.forward({ inputIds, labels: inputIds }, { outputLogits: false });
    return outputs.loss!.dataSync()[0]!;
  });
  expect(Math.abs(losses[1]! / losses[0]! - 1)).toBeLessThan(0.02);
  expect(() =>
    valueAndGradients(small, () => small.forward({ inputIds, labels: inputIds }).loss!),
  ).toThrow(expect.objectContaining({ code: 'QUANTIZED' }));
  for (const held of [...outputs, model, small]) held.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

const folder = process.env.MULTIHEAD_MINILM;
if (folder === undefined) {
  test.skip('all-MiniLM-L6-v2 in int8 (left out: MULTIHEAD_MINILM is not set)', () => {});
} else {
  describe.each(backends.slice(0, 2))('all-MiniLM-L6-v2 in int8 on $backend', ({ start }) => {
    test('every state of every token within a cosine of 0.99, of every layer within 0.998', async () => {
      await start();
      const stored = new Map<string, number[][]>();
      for await (const one of (await readSafetensors(readFileSync(fixture))).tensors()) {
        if (one.name !== 'input_ids' && one.name !== 'attention_mask') continue;
        const [rows, length] = one.shape as [number, number];
        const values = [...toInt32(one)];
        stored.set(
          one.name,
          Array.from({ length: rows }, (_, i) => values.slice(i * length, (i + 1) * length)),
        );
      }
      const [ids, mask] = [stored.get('input_ids')!, stored.get('attention_mask')!];
      const { layers, memory } = await compare(folder, ids, mask);
      expect(layers.length).toBe(7);
      expect(Math.min(...layers.map(({ least }) => least))).toBeGreaterThan(0.99);
      expect(Math.min(...layers.map(({ all }) => all))).toBeGreaterThan(0.998);
      expect(memory).toBeLessThan(0.27);
    });
  });
}
