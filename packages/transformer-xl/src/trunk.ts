import {
  AdaptiveEmbedding,
  type AdaptiveOptions,
  Dropout,
  normal,
  type Random,
  type Weights,
  zeros,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { Distances, SharedPositions } from './attention.js';
import type { TransfoXLConfig } from './config.js';
import {
  type ReadInputs,
  readInputs,
  type TransfoXLForwardOptions,
  type TransfoXLInputs,
} from './inputs.js';
import { TransfoXLLayer } from './layer.js';
import { nextMemory } from './memories.js';
import {
  type AbsolutePositions,
  LearntPositions,
  SinusoidalPositions,
  Sinusoids,
} from './positions.js';
import type { TransfoXLState } from './state.js';

export interface TransfoXLTrunkOutputs {
  /** [batch, length, dModel] */
  lastHiddenState: tf.Tensor;
  /**
   * What to remember for the next segment: one tensor [batch, remembered, dModel] a layer, through which
   * no gradient flows. Absent with `memLen` 0.
   */
  mems?: tf.Tensor[];
  /** layers + 1 tensors [batch, length, dModel], the last of them `lastHiddenState` */
  hiddenStates?: tf.Tensor[];
  /** One tensor [batch, heads, length, remembered + length] a layer */
  attentions?: tf.Tensor[];
}

/** The part all Transformer-XLs share: adaptive embeddings and layers. */
export class TransfoXLTrunk {
  readonly embedding: AdaptiveEmbedding; // `word_emb`
  readonly layers: readonly TransfoXLLayer[];
  /** Of distances, with `attnType` 0. */
  readonly #sinusoids: Sinusoids | undefined;
  /** With `attnType` 2 and 3. */
  readonly #positions: AbsolutePositions | undefined;
  readonly #dropout: Dropout;

  constructor(
    weights: Weights,
    readonly config: TransfoXLConfig,
  ) {
    const { attnType, dModel, nLayer } = config;
    this.embedding = new AdaptiveEmbedding(weights.at('word_emb'), adaptiveOptions(config));
    const shared = sharedPositions(weights, config);
    this.layers = Array.from(
      { length: nLayer },
      (_, i) => new TransfoXLLayer(weights.at('layers', i), config, shared, i),
    );
    if (attnType === 0) this.#sinusoids = new Sinusoids(dModel);
    if (attnType === 2) this.#positions = new SinusoidalPositions(dModel);
    if (attnType === 3) this.#positions = new LearntPositions(shared.distances!);
    this.#dropout = new Dropout(config.dropout);
  }

  /**
   * Runs inside a model's `forward`, which frees what is not returned.
   *
   * @param state what is remembered in place of `mems`; it has these tokens to come
   */
  encode(
    inputs: TransfoXLInputs,
    options: TransfoXLForwardOptions = {},
    state?: TransfoXLState,
  ): TransfoXLTrunkOutputs {
    const { random, outputHiddenStates = false, outputAttentions = false } = options;
    const read = readInputs(inputs, options, this.config);
    const { memLen, clampLen, window } = read.lengths;
    const hidden = read.padding.map((count, row) => count + (state?.absent[row] ?? 0));
    const mems: tf.Tensor[] = [];
    const hiddenStates: tf.Tensor[] = [];
    const attentions: tf.Tensor[] = [];
    let x = tf.tidy(() => this.#embed(read, random));
    const length = x.shape[1]!;
    const keys = (state?.remembered ?? read.mems?.[0]?.shape[1] ?? 0) + length;
    const distances = state?.distances(keys, (count) => this.#distancesOf(count, clampLen));
    const sinusoids = distances
      ? undefined
      : tf.tidy(() => this.#sinusoidsOf(keys, clampLen, random));
    this.layers.forEach((layer, i) => {
      const given = x;
      const out = tf.tidy(() => {
        const entering = this.#entering(given, i, read);
        const memory = this.#remembered(i, length, read);
        const cache = state?.caches[i];
        const isNext = memLen > 0 && cache === undefined;
        const next = isNext ? nextMemory(memory, entering, read.lengths) : undefined;
        const headMask = read.headMasks?.[i];
        const rest = { sinusoids, clampLen, window, hidden, headMask, outputAttentions, random };
        const before = { memory, cache, distances: distances?.[i] };
        const results = layer.forward(entering, { ...before, ...rest });
        return { entering, ...results, ...(next && { next }) };
      }) as LayerOutputs;
      x = out.hidden;
      if (out.next) mems.push(out.next);
      if (out.weights) attentions.push(out.weights);
      if (outputHiddenStates) hiddenStates.push(out.entering);
      else tf.dispose([given, out.entering]); // a backward pass has saved its own
    });
    const lastHiddenState = this.#dropout.forward(x, random);
    return {
      lastHiddenState,
      ...(mems.length > 0 && { mems }),
      ...(outputHiddenStates && { hiddenStates: [...hiddenStates, lastHiddenState] }),
      ...(outputAttentions && { attentions }),
    };
  }

  /** The words' vectors, [batch, length, dModel]. */
  #embed({ ids, embeds, tokens, lengths }: ReadInputs, random: Random | undefined): tf.Tensor {
    const words = embeds ? tf.clone(embeds) : this.embedding.forward(ids!);
    const x = tokens ? tf.mul(words, tokens) : words;
    const { clampLen } = lengths;
    const isPlaced = this.config.attnType === 2; // by the original before dropout
    const placed = isPlaced ? this.#positions!.add({ x, layer: 0, behind: 0, clampLen }) : x;
    return this.#dropout.forward(placed, random);
  }

  /** What goes into a layer: zeros at padding, for there is nothing to remember. */
  #entering(x: tf.Tensor, layer: number, { tokens, lengths }: ReadInputs): tf.Tensor {
    const masked = tokens && layer > 0 ? tf.mul(x, tokens) : x;
    if (this.config.attnType !== 3) return masked;
    return this.#positions!.add({ x: masked, layer, behind: 0, clampLen: lengths.clampLen });
  }

  /**
   * A layer's memory. Absolute positions are added to it anew in each segment, beside those that it was
   * remembered with, as the original has it: that is what relative ones are better than.
   */
  #remembered(layer: number, behind: number, { mems, lengths }: ReadInputs): tf.Tensor | undefined {
    const memory = mems?.[layer];
    if (memory === undefined || this.#positions === undefined) return memory;
    return this.#positions.add({ x: memory, layer, behind, clampLen: lengths.clampLen });
  }

  /**
   * Of each distance between a query and a key, the nearest first: [distances, dModel]. Those that are
   * clamped share a row, except under dropout, which the original draws for each by itself.
   */
  #sinusoidsOf(keys: number, clampLen: number, random?: Random): tf.Tensor | undefined {
    if (this.#sinusoids === undefined) return undefined;
    const most = clampLen > 0 ? clampLen : keys;
    const count = random ? keys : Math.min(keys, most + 1);
    const rows = this.#sinusoids.at(Array.from({ length: count }, (_, d) => Math.min(d, most)));
    return this.#dropout.forward(rows, random);
  }

  /** What so many distances add to scores, layer by layer. */
  #distancesOf(count: number, clampLen: number): Distances[] {
    const sinusoids = this.#sinusoidsOf(count, clampLen);
    return this.layers.map(({ attention }) => attention.distances(count, { sinusoids, clampLen })!);
  }
}

interface LayerOutputs {
  entering: tf.Tensor;
  hidden: tf.Tensor;
  weights?: tf.Tensor;
  next?: tf.Tensor;
}

/** How words go in and come out. */
export function adaptiveOptions(config: TransfoXLConfig): AdaptiveOptions {
  const { vocabSize, dEmbed, dModel, cutoffs, divVal, initializer, projInitStd } = config;
  const sizes = { vocabSize, embedSize: dEmbed, hiddenSize: dModel };
  return { ...sizes, cutoffs, divVal, initializer, projectionInitializer: normal(projInitStd) };
}

/** What stands beside the layers: u and v where they are shared, and what types 1 and 3 have learnt. */
function sharedPositions(weights: Weights, config: TransfoXLConfig): SharedPositions {
  const { attnType, untieR, nLayer, nHead, dHead, maxKeyLength, initializer } = config;
  const drawn = (name: string, shape: number[]) => weights.parameter(name, shape, initializer);
  if (attnType === 0 && !untieR) {
    return {
      contentBias: drawn('r_w_bias', [nHead, dHead]),
      positionBias: drawn('r_r_bias', [nHead, dHead]),
    };
  }
  if (attnType === 1 || attnType === 3) {
    const distances = drawn('r_emb', [nLayer, maxKeyLength, nHead, dHead]);
    if (attnType === 3) return { distances };
    return {
      distances,
      contentBiases: drawn('r_w_bias', [nLayer, nHead, dHead]),
      distanceBiases: weights.parameter('r_bias', [nLayer, maxKeyLength, nHead], zeros),
    };
  }
  return {};
}
