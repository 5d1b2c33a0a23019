// How the embedded BERT is made: everything that decides what comes out.

export const name = 'bert-mini-english';

/** Arguments of `multihead train-tokenizer`, beside the files. */
export const tokenizer = { vocabSize: 6144, minFrequency: 2, maxLength: 64 };

/** The model, as options of the first `multihead pretrain bert`. */
export const architecture = {
  layers: 2,
  hidden: 128,
  heads: 4,
  intermediate: 512,
  positions: 64,
  dropout: 0,
  // Wider than BERT's 0.02: so small a model would attend nearly evenly for its first thousand steps.
  initializerRange: 0.05,
};

/**
 * Two runs, as BERT itself was trained (Devlin et al. 2019, A.2): short rows first. Among 16 tokens
 * a model finds out in some hundred steps that neighbours matter; among 64 it takes thousands. The
 * second run goes on from the first in full rows.
 */
export const runs = [
  { maxLength: 16, batchSize: 64, steps: 1800, schedule: 'constant', evalEvery: 300 },
  { maxLength: 64, batchSize: 16, steps: 10400, schedule: 'linear', evalEvery: 400 },
];

/** Options of both runs, beside the files. */
export const training = {
  learningRate: 1.5e-3,
  warmup: 300,
  weightDecay: 0.01,
  // More than BERT's 0.15: on so little text, what is learned goes with the words predicted.
  mlmProbability: 0.3,
  seed: 1,
  evalBatches: 20,
  checkpointEvery: 400,
  dtype: 'F16',
};

/** The masks that the finished model and the baselines are asked about. */
export const evaluation = { seed: 2026, probability: 0.15 };
