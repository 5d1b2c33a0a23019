// The ablations: what all runs have in common, and what each changes.

/** Which of the embedded models' texts; the models read its characters. */
export const source = 'moby-dick';

export const seeds = [11, 12, 13, 14, 15];

/** Of every model. */
export const architecture = {
  ...{ dModel: 64, dEmbed: 64, nHead: 2, dHead: 32, dInner: 256, nLayer: 3 },
  ...{ sameLength: false, emptyStart: true, clampLen: -1, dropout: 0, dropatt: 0 },
  initStd: 0.05, // what so few steps ask for
};

/** How every model learns. A seed draws its weights and where the text begins. */
export const training = {
  segmentLength: 16,
  batchSize: 16,
  steps: 1400,
  learningRate: 3e-3,
  warmup: 140,
  weightDecay: 0.1,
  beta2: 0.99,
  checkpointEvery: 700,
};

const memLen = 48;

/** The paper's Table 6, a flag or two each. */
export const configurations = {
  'relative-memory': { encoding: 'relative (Dai et al.)', flags: { attnType: 0, memLen } },
  'shaw-memory': { encoding: 'relative, learnt (Shaw et al.)', flags: { attnType: 1, memLen } },
  'absolute-memory': { encoding: 'absolute (Vaswani et al.)', flags: { attnType: 2, memLen } },
  relative: { encoding: 'relative (Dai et al.)', flags: { attnType: 0, memLen: 0 } },
  shaw: { encoding: 'relative, learnt (Shaw et al.)', flags: { attnType: 1, memLen: 0 } },
  absolute: { encoding: 'absolute (Vaswani et al.)', flags: { attnType: 2, memLen: 0 } },
  'al-rfou': { encoding: 'absolute, learnt (Al-Rfou et al.)', flags: { attnType: 3, memLen: 0 } },
};

/**
 * An attention length is what the last token of a pass sees: memory, repeated tokens and segment. With
 * memory the segments are those of training; without, a pass foretells few tokens and repeats the others,
 * a window that slides.
 */
export const evaluation = {
  batchSize: 16,
  withMemory: [32, 96, 144],
  withoutMemory: { segmentLength: 4, attentionLengths: [16, 24, 32, 48] },
};

/**
 * The embedded model, made to remember more or less, for the relative effective context length. A token is
 * foretold in the middle of a text from so many before it, taken in by whole segments.
 */
export const lookBack = {
  model: 'transformer-xl-mini-english',
  memoryLengths: [0, 16, 32, 64, 128],
  segmentLength: 16,
  contextLengths: Array.from({ length: 12 }, (_, i) => 16 * (i + 1)),
  stride: 16,
  ratios: [0.1, 0.5, 1],
};

/** Of the gains that are plotted. */
export const plot = { ratio: 0.1 };
