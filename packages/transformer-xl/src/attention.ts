import {
  type AttentionResult,
  type KeyValueCache,
  type RelativeAttentionOptions,
  relativeAttention,
  scaledDotProductAttention,
  windowMask,
} from '@multihead/attention';
import {
  Dropout,
  embedding,
  type LayerNorm,
  Linear,
  type Parameter,
  type Random,
  type Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { TransfoXLConfig } from './config.js';
import { joined } from './memories.js';
import { normNear1 } from './norm.js';
import { learntRows } from './positions.js';

/** What attention takes in beside the segment. */
export interface AttendInputs {
  /** [batch, remembered, dModel] */
  memory: tf.Tensor | undefined;
  /** Keys and values of what came before `memory`, to which those of memory and segment are added. */
  cache?: KeyValueCache | undefined;
  /** By distance, [distances, dModel]; where attention is by them. */
  sinusoids: tf.Tensor | undefined;
  /** What distances add to scores, where it is known already. */
  distances?: Distances | undefined;
  /** Distances beyond this count as this; 0 or less: none is too far. */
  clampLen: number;
  /** How many tokens each sees, itself among them; default all before it. */
  window: number | undefined;
  /** Of each row, how many of memory's and segment's first tokens are not there. */
  hidden: readonly number[] | undefined;
  headMask: tf.Tensor | undefined;
  outputAttentions: boolean;
  random: Random | undefined;
}

/** Biases and learnt positions that the layers of one model have in common. */
export interface SharedPositions {
  /** u and v of all layers, [heads, headSize]; absent where each has its own. */
  contentBias?: Parameter;
  positionBias?: Parameter;
  /** By layer: [layers, heads, headSize], … */
  contentBiases?: Parameter;
  /** … [layers, distances, heads, headSize], the farthest first, … */
  distances?: Parameter;
  /** … [layers, distances, heads]. */
  distanceBiases?: Parameter;
}

/** Attention of a segment to memory and itself, with its residual connection and norm. */
export abstract class SegmentAttention {
  readonly output: Linear; // `o_net`
  readonly norm: LayerNorm;
  protected readonly numHeads: number;
  protected readonly width: number;
  readonly #preNorm: boolean;
  readonly #dropout: Dropout;
  readonly #attentionDropout: Dropout;

  constructor(
    weights: Weights,
    protected readonly config: TransfoXLConfig,
  ) {
    const { nHead, dHead, dModel } = config;
    this.numHeads = nHead;
    this.width = nHead * dHead;
    this.output = this.linear(weights.at('o_net'), this.width, dModel);
    this.norm = normNear1(weights.at('layer_norm'), config);
    this.#preNorm = config.preLnorm;
    this.#dropout = new Dropout(config.dropout);
    this.#attentionDropout = new Dropout(config.dropatt);
  }

  protected linear(weights: Weights, inFeatures: number, outFeatures: number): Linear {
    const { initializer } = this.config;
    return new Linear(weights, { inFeatures, outFeatures, bias: false, initializer });
  }

  /** x [batch, length, dModel] → the same shape, and weights [batch, heads, length, seen]. */
  forward(x: tf.Tensor, inputs: AttendInputs): { hidden: tf.Tensor; weights?: tf.Tensor } {
    const { random } = inputs;
    const seen = joined(inputs.memory, x); // [batch, remembered + length, dModel]
    const { rate } = this.#attentionDropout;
    const dropout = random && rate > 0 ? { rate, seed: random.int32() } : undefined;
    const context = this.#preNorm ? this.norm.forward(seen) : seen;
    const { context: mixed, weights } = this.attend(x, context, { ...inputs, dropout });
    const sum = tf.add(x, this.#dropout.forward(this.output.forward(mixed), random));
    const hidden = this.#preNorm ? sum : this.norm.forward(sum);
    return { hidden, ...(weights && { weights }) };
  }

  /** What each of so many distances adds to scores, the nearest first; where attention is by them. */
  distances(_count: number, _inputs: DistanceInputs): Distances | undefined {
    return undefined;
  }

  /** seen [batch, remembered + length, dModel], of which x are the last, before a norm. */
  protected abstract attend(x: tf.Tensor, seen: tf.Tensor, inputs: AttendOptions): AttentionResult;
}

export type Distances = Pick<RelativeAttentionOptions, 'positions' | 'distanceBias'>;
type DistanceInputs = Pick<AttendInputs, 'sinusoids' | 'clampLen'>;
type Biases = Pick<RelativeAttentionOptions, 'contentBias' | 'positionBias'>;
type AttendOptions = AttendInputs & { dropout: { rate: number; seed: number } | undefined };

/** By the distance of query and key, whose projections come from one matrix. */
abstract class RelativeAttention extends SegmentAttention {
  readonly qkv: Linear; // `qkv_net`

  constructor(weights: Weights, config: TransfoXLConfig) {
    super(weights, config);
    this.qkv = this.linear(weights.at('qkv_net'), config.dModel, 3 * this.width);
  }

  protected override attend(
    x: tf.Tensor,
    seen: tf.Tensor,
    options: AttendOptions,
  ): AttentionResult {
    const [batch, given] = seen.shape as [number, number, number];
    const [all, key, value] = tf.split(this.qkv.forward(seen), 3, -1) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const length = x.shape[1]!;
    const query = tf.slice(all, [0, given - length, 0], [batch, length, this.width]);
    const keys = given + (options.cache?.length ?? 0);
    const distances = options.distances ?? this.distances(keys, options);
    const { numHeads } = this;
    return relativeAttention(query, key, value, {
      ...options,
      ...this.biases(),
      ...distances,
      numHeads,
    });
  }

  abstract override distances(count: number, inputs: DistanceInputs): Distances;

  protected abstract biases(): Biases;
}

/** By projected sinusoids of the distance (Dai et al. 2019, §3.3). */
export class SinusoidalAttention extends RelativeAttention {
  readonly position: Linear; // `r_net`
  readonly contentBias: Parameter; // u
  readonly positionBias: Parameter; // v

  constructor(weights: Weights, config: TransfoXLConfig, shared: SharedPositions) {
    super(weights, config);
    this.position = this.linear(weights.at('r_net'), config.dModel, this.width);
    const own = (name: string) =>
      weights.parameter(name, [config.nHead, config.dHead], config.initializer);
    this.contentBias = shared.contentBias ?? own('r_w_bias');
    this.positionBias = shared.positionBias ?? own('r_r_bias');
  }

  override distances(_count: number, { sinusoids }: DistanceInputs): Distances {
    return { positions: this.position.forward(sinusoids!) };
  }

  protected override biases(): Biases {
    return { contentBias: this.contentBias.value, positionBias: this.positionBias.value };
  }
}

/** By a learnt vector and number for each distance (Shaw et al. 2018). */
export class LearntDistanceAttention extends RelativeAttention {
  constructor(
    weights: Weights,
    config: TransfoXLConfig,
    readonly shared: SharedPositions,
    readonly layer: number,
  ) {
    super(weights, config);
  }

  override distances(count: number, { clampLen }: DistanceInputs): Distances {
    const { maxKeyLength: most, nLayer, nHead } = this.config;
    const rows = Math.min(count, most, clampLen > 0 ? clampLen : most);
    const nearest = learntRows(
      Array.from({ length: rows }, (_, d) => d),
      this.layer,
      most,
    );
    const table = (parameter: Parameter, width: number) =>
      embedding(tf.reshape(parameter.value, [nLayer * most, width]), nearest);
    const { distances, distanceBiases } = this.shared;
    return {
      positions: table(distances!, this.width),
      distanceBias: table(distanceBiases!, nHead),
    };
  }

  protected override biases(): Biases {
    const { nHead, dHead } = this.config;
    const bias = tf.slice(this.shared.contentBiases!.value, [this.layer, 0, 0], [1, nHead, dHead]);
    return { contentBias: tf.reshape(bias, [nHead, dHead]) };
  }
}

/** By what queries and keys are alone; positions were added to them (Vaswani et al. 2017, §3.2). */
export class AbsoluteAttention extends SegmentAttention {
  readonly query: Linear; // `q_net`
  readonly keyValue: Linear; // `kv_net`

  constructor(weights: Weights, config: TransfoXLConfig) {
    super(weights, config);
    this.query = this.linear(weights.at('q_net'), config.dModel, this.width);
    this.keyValue = this.linear(weights.at('kv_net'), config.dModel, 2 * this.width);
  }

  /** With a norm before, the original's queries go without it. */
  protected override attend(
    x: tf.Tensor,
    seen: tf.Tensor,
    options: AttendOptions,
  ): AttentionResult {
    const { window, hidden, headMask, dropout, outputAttentions } = options;
    const [key, value] = tf.split(this.keyValue.forward(seen), 2, -1) as [tf.Tensor, tf.Tensor];
    const isLimited = window !== undefined || hidden?.some((count) => count > 0);
    const mask = isLimited
      ? windowMask(x.shape[1]!, seen.shape[1]!, { window, hidden })
      : undefined;
    const { numHeads } = this;
    const rest = { numHeads, causal: !isLimited, mask, headMask, dropout, outputAttentions };
    return scaledDotProductAttention(this.query.forward(x), key, value, rest);
  }
}
