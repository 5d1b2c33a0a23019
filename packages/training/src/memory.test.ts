import { expect, test } from '@jest/globals';
import { BertConfig, BertForMaskedLM } from '@multihead/bert';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { numTensors } from '../test/support.js';
import { mlmCollator } from './mlm-collator.js';
import { linearSchedule } from './schedules.js';
import { train } from './train.js';

/** Bytes that the backend's heap has taken from the system; it never gives any back. */
const heapBytes = () =>
  (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.byteLength;

test('100 steps of BERT with texts of mixed lengths: no tensor stays, the heap is flat', async () => {
  await useWasm();
  const vocabSize = 500;
  const model = new BertForMaskedLM(
    new BertConfig({
      vocabSize,
      hiddenSize: 64,
      numHiddenLayers: 2,
      numAttentionHeads: 2,
      intermediateSize: 128,
      maxPositionEmbeddings: 64,
    }),
  );
  const tokenizer = {
    maskTokenId: 4,
    padTokenId: 0,
    vocabSize,
    specialTokenIds: [0, 1, 2, 3, 4],
    idToToken: () => 'word',
  };
  const dataset = Array.from({ length: 40 }, (_, i) =>
    Array.from({ length: 6 + ((i * 13) % 58) }, (_, j) => 5 + ((i * j) % (vocabSize - 5))),
  );
  const tensors: number[] = [];
  const heap: number[] = [];
  const before = numTensors();
  await train({
    model,
    dataset,
    collate: mlmCollator({ tokenizer }),
    schedule: linearSchedule({ learningRate: 1e-3, totalSteps: 110 }),
    steps: 110,
    batchSize: 8,
    onProgress: () => {
      tensors.push(numTensors());
      heap.push(heapBytes());
    },
  });
  expect(new Set(tensors.slice(2)).size).toBe(1);
  // The first steps find out how much the longest batch takes.
  expect(heap.at(-1)).toBe(heap[9]);
  expect(numTensors()).toBe(before);
  model.dispose();
}, 60_000);
