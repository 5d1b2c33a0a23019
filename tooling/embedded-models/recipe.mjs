// How the embedded BERT is made: everything that decides what comes out.

export const name = 'bert-mini-english';

/** Arguments of `multihead train-tokenizer`, beside the files. */
export const tokenizer = { vocabSize: 6144, minFrequency: 2, maxLength: 64 };

/** Options of `multihead pretrain bert`, beside the files. */
export const pretraining = {
  layers: 2,
  hidden: 128,
  heads: 4,
  intermediate: 512,
  maxLength: 64,
  dropout: 0,
  batchSize: 16,
  steps: 11000,
  learningRate: 1.5e-3,
  warmup: 300,
  weightDecay: 0.01,
  // More than BERT's 0.15: on so little text, what is learned goes with the words predicted.
  mlmProbability: 0.4,
  // Wider than BERT's 0.02: so small a model would attend nearly evenly for its first thousand steps.
  initializerRange: 0.05,
  seed: 1,
  evalEvery: 500,
  evalBatches: 20,
  checkpointEvery: 500,
  dtype: 'F16',
};

/** The masks that the finished model and the baselines are asked about. */
export const evaluation = { seed: 2026, probability: 0.15 };

/** `{ hidden: 128 }` → `['--hidden', '128']` */
export function toArguments(options) {
  return Object.entries(options).flatMap(([key, value]) => [
    `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ]);
}
