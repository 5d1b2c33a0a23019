import { expect, test } from '@jest/globals';
import { Random, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { BertConfig, BertForMaskedLM } from './index.js';

const config = new BertConfig({
  vocabSize: 500,
  hiddenSize: 48,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  intermediateSize: 96,
  maxPositionEmbeddings: 64,
});

/** The size of the wasm backend's heap, which can grow but never shrinks. */
function heapBytes(): number {
  const backend = tf.backend() as unknown as { wasm: { asm: { memory: WebAssembly.Memory } } };
  return backend.wasm.asm.memory.buffer.byteLength;
}

test('the heap does not grow over 1,000 inferences of mixed lengths', async () => {
  await useWasm();
  const model = new BertForMaskedLM(config, new Weights({ seed: 1 }));
  const random = new Random(2);
  const infer = (length: number) => {
    const inputIds = Array.from({ length }, () => 1 + random.below(config.vocabSize - 1));
    using outputs = model.forward({ inputIds }, { outputAttentions: length % 2 === 0 });
    return outputs.logits?.dataSync()[0];
  };
  for (let i = 0; i < 64; i++) infer(64 - i); // every length once, the longest first
  const before = {
    heap: heapBytes(),
    tensors: tf.memory().numTensors,
    bytes: tf.memory().numBytes,
  };
  for (let i = 0; i < 1000; i++) infer(1 + random.below(64));
  expect({
    heap: heapBytes(),
    tensors: tf.memory().numTensors,
    bytes: tf.memory().numBytes,
  }).toEqual(before);
  model.dispose();
});
