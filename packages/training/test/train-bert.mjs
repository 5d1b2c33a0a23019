// A training run in a process of its own, for tests that kill it. From the built packages:
//
//   node train-bert.mjs <folder> [<change>]
//
// Prints `step <n>` after every step. With <change> it kills itself with SIGKILL right before its
// n-th change to the disk.
import { BertConfig, BertForMaskedLM } from '@multihead/bert';
import {
  adamW,
  evaluate,
  mlmCollator,
  packDocuments,
  plateauSchedule,
  train,
} from '@multihead/training';
import { useWasm } from '@multihead/wasm';

const [folder, change] = process.argv.slice(2);

const fs = process.getBuiltinModule('node:fs/promises');
let changes = 0;
for (const name of ['open', 'mkdir', 'rename', 'rm']) {
  const original = fs[name];
  fs[name] = (...args) => {
    if (++changes === Number(change)) process.kill(process.pid, 'SIGKILL');
    return original(...args);
  };
}

await useWasm();
const vocabSize = 40;
const config = new BertConfig({
  vocabSize,
  hiddenSize: 16,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  intermediateSize: 32,
  maxPositionEmbeddings: 16,
});
const tokenizer = {
  maskTokenId: 4,
  padTokenId: 0,
  vocabSize,
  specialTokenIds: [0, 1, 2, 3, 4],
  idToToken: (id) => (id % 3 === 0 ? `##${id}` : `w${id}`),
};
const documents = Array.from({ length: 9 }, (_, i) =>
  Array.from({ length: 20 + 7 * i }, (_, j) => 5 + ((i + 2 * j) % (vocabSize - 5))),
);

const model = new BertForMaskedLM(config);
const data = {
  dataset: packDocuments(documents, { maxLength: 16, clsTokenId: 2, sepTokenId: 3 }),
  collate: mlmCollator({ tokenizer, wholeWordMask: true }),
};

await train({
  model,
  ...data,
  optimizer: adamW({ weightDecay: 0.1 }),
  // Few evaluations find so much better a loss: the rate falls several times, on either side of a kill.
  schedule: plateauSchedule({ learningRate: 5e-3, warmupSteps: 4, threshold: 0.02 }),
  evaluation: { every: 2, evaluate: () => evaluate({ model, ...data, batchSize: 8, batches: 2 }) },
  steps: 24,
  batchSize: 4,
  gradientAccumulationSteps: 2,
  seed: 11,
  checkpoints: { folder, every: 3 },
  resume: true,
  onProgress: ({ step }) => console.log(`step ${step}`),
});
