// How the embedded Transformer-XL is made: everything that decides what comes out.

export const name = 'transformer-xl-mini-english';

/**
 * Whole words in their case, as options of `multihead train-tokenizer`. So many that three of a hundred are
 * unknown; clusters make the rare ones cheap.
 */
export const tokenizer = { type: 'word-level', vocabSize: 20000, minFrequency: 2 };

/** The model, as options of `multihead pretrain transformer-xl`. */
export const architecture = {
  layers: 4,
  hidden: 128,
  heads: 4,
  intermediate: 512,
  memoryLength: 128,
  // As far as training sees, memory and segment; with more memory all that is farther counts as this.
  clampLength: 192,
  preNorm: true,
  cutoffs: '2000,8000',
  divVal: 2,
  dropout: 0,
  // Wider than the paper's 0.02, for so small a model, as for the embedded GPT.
  initializerRange: 0.05,
};

/** As for the embedded GPT: at one rate for as long as one has time; then down to 0, once through the text. */
export const runs = [
  { steps: 12000, learningRate: 3e-3, warmup: 150, schedule: 'constant' },
  { steps: 3300, learningRate: 3e-3, warmup: 50, schedule: 'linear' },
];

/** Options of both runs, beside the files. */
export const training = {
  segmentLength: 64,
  batchSize: 16,
  weightDecay: 0.1,
  adamBeta2: 0.99,
  seed: 1,
  evalEvery: 400,
  evalBatches: 15,
  checkpointEvery: 200,
  dtype: 'F16',
};

/** The finished model goes through each document in such segments, with each of these memories. */
export const evaluation = { segmentLength: 64, memoryLengths: [0, 32, 64, 128, 256, 512] };

/** What `generate` does if nothing else is said: `generation_config.json`, but for ids. */
export const generation = { neverWritten: ['<unk>'] };

/** What the card shows: the likeliest text, and some that are drawn. */
export const samples = [
  { prompt: 'The president of the United States', options: {} },
  { prompt: 'Fellow-citizens of the Senate and House of Representatives:', options: { seed: 1 } },
  { prompt: 'The captain looked at the sea', options: { seed: 2 } },
  { prompt: 'She opened the door and', options: { seed: 3 } },
];
export const sampling = { topK: 40, temperature: 0.8 };
export const sampleLength = 60;
