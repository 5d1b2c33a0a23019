import { Dropout, type LayerNorm, Linear, type Random, type Weights } from '@multihead/nn';
import { add, type Tensor } from '@tensorflow/tfjs-core';
import {
  AbsoluteAttention,
  type AttendInputs,
  LearntDistanceAttention,
  type SegmentAttention,
  type SharedPositions,
  SinusoidalAttention,
} from './attention.js';
import type { TransfoXLConfig } from './config.js';
import { normNear1 } from './norm.js';

/** The feed-forward network of each position, with its residual connection and norm (`pos_ff`). */
export class FeedForward {
  readonly up: Linear; // `CoreNet.0`
  readonly down: Linear; // `CoreNet.3`
  readonly norm: LayerNorm;
  readonly #preNorm: boolean;
  readonly #dropout: Dropout;

  constructor(weights: Weights, config: TransfoXLConfig) {
    const { dModel, dInner, initializer } = config;
    this.up = new Linear(weights.at('CoreNet', 0), {
      inFeatures: dModel,
      outFeatures: dInner,
      initializer,
      activation: 'relu',
    });
    this.down = new Linear(weights.at('CoreNet', 3), {
      inFeatures: dInner,
      outFeatures: dModel,
      initializer,
    });
    this.norm = normNear1(weights.at('layer_norm'), config);
    this.#preNorm = config.preLnorm;
    this.#dropout = new Dropout(config.dropout);
  }

  /** [batch, length, dModel] → the same shape */
  forward(x: Tensor, random: Random | undefined): Tensor {
    const between = this.up.forward(this.#preNorm ? this.norm.forward(x) : x);
    const fed = this.down.forward(this.#dropout.forward(between, random));
    const sum = add(x, this.#dropout.forward(fed, random));
    return this.#preNorm ? sum : this.norm.forward(sum);
  }
}

/** One layer: attention to memory and segment, and a feed-forward network (Dai et al. 2019, §3.3). */
export class TransfoXLLayer {
  readonly attention: SegmentAttention; // `dec_attn`
  readonly feedForward: FeedForward;

  constructor(weights: Weights, config: TransfoXLConfig, shared: SharedPositions, layer: number) {
    this.attention = attentionOf(weights.at('dec_attn'), config, shared, layer);
    this.feedForward = new FeedForward(weights.at('pos_ff'), config);
  }

  /** x [batch, length, dModel] → the same shape, and weights [batch, heads, length, seen]. */
  forward(x: Tensor, inputs: AttendInputs): { hidden: Tensor; weights?: Tensor } {
    const { hidden, ...rest } = this.attention.forward(x, inputs);
    return { hidden: this.feedForward.forward(hidden, inputs.random), ...rest };
  }
}

function attentionOf(
  weights: Weights,
  config: TransfoXLConfig,
  shared: SharedPositions,
  layer: number,
): SegmentAttention {
  if (config.attnType === 0) return new SinusoidalAttention(weights, config, shared);
  if (config.attnType === 1) return new LearntDistanceAttention(weights, config, shared, layer);
  return new AbsoluteAttention(weights, config);
}
