import { loadFolder } from '@multihead/checkpoint';
import {
  crossEntropy,
  Dropout,
  Embedding,
  type ForwardOptions,
  Linear,
  modelOutput,
  PretrainedModel,
  type Random,
  readTensors,
  Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';

const WORDS = 13;
const SIZE = 6;

export interface TinyBatch {
  inputIds: number[][];
  labels: number[][];
}

/** Guesses the next word of a sentence from the word alone; dropout included. */
export class TinyModel extends PretrainedModel<{ toJson(): { vocab_size: number } }> {
  protected override readonly architecture = 'TinyModel';
  readonly embedding: Embedding;
  readonly decoder: Linear;
  readonly unused: Linear;
  readonly dropout: Dropout;

  constructor(weights: Weights = new Weights({ seed: 1 }), rate = 0.1) {
    super({ toJson: () => ({ vocab_size: WORDS }) }, weights);
    this.embedding = new Embedding(weights.at('embedding'), {
      numEmbeddings: WORDS,
      embeddingDim: SIZE,
    });
    this.decoder = new Linear(weights.at('decoder'), { inFeatures: SIZE, outFeatures: WORDS });
    this.unused = new Linear(weights.at('unused'), { inFeatures: 2, outFeatures: 2 });
    this.dropout = new Dropout(rate);
  }

  static async load(path: string): Promise<TinyModel> {
    return new TinyModel(
      new Weights({ tensors: await readTensors((await loadFolder(path)).tensors()) }),
    );
  }

  forward({ inputIds, labels }: TinyBatch, options: ForwardOptions = {}) {
    return modelOutput(() => {
      const ids = tf.tensor(inputIds, undefined, 'int32');
      const hidden = this.dropout.forward(this.embedding.forward(ids), options.random);
      const rows = tf.reshape(hidden, [ids.size, SIZE]);
      const flat = this.decoder.forward(rows);
      const loss = crossEntropy(flat, tf.tensor(labels.flat(), undefined, 'int32'));
      return { loss, logits: tf.reshape(flat, [...ids.shape, WORDS]) };
    });
  }
}

/** Sentences that count: after word w comes word 5w + 1 (mod WORDS). Of two lengths. */
export const sentences: number[][] = Array.from({ length: 23 }, (_, i) => {
  const words = [i % WORDS];
  while (words.length < (i % 3 === 0 ? 4 : 7)) words.push((5 * words.at(-1)! + 1) % WORDS);
  return words;
});

/** Asks for a random half of the next words. */
export function collate(examples: readonly number[][], randoms: readonly Random[]): TinyBatch {
  const length = Math.max(...examples.map((words) => words.length)) - 1;
  const column = (f: (words: number[], at: number, random: Random) => number) =>
    examples.map((words, i) => Array.from({ length }, (_, at) => f(words, at, randoms[i]!)));
  return {
    inputIds: column((words, at) => words[at] ?? 0),
    labels: column((words, at, random) =>
      random.uniform() < 0.5 ? (words[at + 1] ?? -100) : -100,
    ),
  };
}
