// How the embedded GPT is made: everything that decides what comes out.

export const name = 'gpt-mini-english';

/** Of the vocabularies beside it, the one that GPT-2's method makes. */
export const tokenizer = 'bpe-english';

/** The model, as options of `multihead pretrain gpt`. */
export const architecture = {
  layers: 4,
  hidden: 128,
  heads: 4,
  intermediate: 512,
  positions: 128,
  dropout: 0,
  // Wider than GPT-2's 0.02: so small a model would attend nearly evenly for its first hundreds of steps.
  initializerRange: 0.05,
};

/**
 * Two runs: at one rate, which may be as long as one has time, and then down to 0, in which the loss falls
 * once more (Hägele et al. 2024). How long the first is decides nothing but its end.
 */
export const runs = [
  { steps: 2380, learningRate: 2.5e-3, warmup: 200, schedule: 'constant' },
  { steps: 700, learningRate: 2.5e-3, warmup: 50, schedule: 'linear' },
];

/** Options of both runs, beside the files. */
export const training = {
  maxLength: 128,
  batchSize: 8,
  weightDecay: 0.1,
  adamBeta2: 0.99,
  seed: 1,
  evalEvery: 200,
  evalBatches: 20,
  checkpointEvery: 200,
  dtype: 'F16',
};

/** How far the window slides that measures the finished model: each token has 96 before it. */
export const evaluation = { stride: 32 };

/** What the card shows: the likeliest text, and some that are drawn. */
export const samples = [
  { prompt: 'The president of the United States', options: {} },
  { prompt: 'Fellow-citizens of the Senate and House of Representatives:', options: { seed: 1 } },
  { prompt: 'The captain looked at the sea', options: { seed: 2 } },
  { prompt: 'She opened the door and', options: { seed: 3 } },
];
export const sampling = { topK: 40, temperature: 0.8 };
export const sampleLength = 60;
