import { type KeyValueCache, selfAttention } from '@multihead/attention';
import { Conv1D, Dropout, LayerNorm, normal, type Random, type Weights } from '@multihead/nn';
import { add, type Tensor } from '@tensorflow/tfjs-core';
import type { GPTConfig } from './config.js';

export interface GPTBlockInputs {
  /** Additive, broadcastable to [batch, heads, query, key], beside the causal mask. */
  mask?: Tensor | undefined;
  /** Multiplies the weights, head by head. */
  headMask?: Tensor | undefined;
  /** Holds the keys and values of what came before, and takes in the new ones. */
  cache?: KeyValueCache | undefined;
  outputAttentions?: boolean;
  random?: Random | undefined;
}

/** Causal self-attention whose query, key and value come from one projection. */
export class GPTAttention {
  readonly qkv: Conv1D; // `c_attn`
  readonly output: Conv1D; // `c_proj`
  readonly #numHeads: number;
  readonly #scale: number;
  readonly #attentionDropout: Dropout;
  readonly #residualDropout: Dropout;

  constructor(weights: Weights, config: GPTConfig, layer: number) {
    const { nEmbd, initializerRange, residualRange } = config;
    this.qkv = new Conv1D(weights.at('c_attn'), {
      inFeatures: nEmbd,
      outFeatures: 3 * nEmbd,
      initializer: normal(initializerRange),
    });
    this.output = new Conv1D(weights.at('c_proj'), {
      inFeatures: nEmbd,
      outFeatures: nEmbd,
      initializer: normal(residualRange),
    });
    this.#numHeads = config.nHead;
    this.#scale = config.attentionScale(layer);
    this.#attentionDropout = new Dropout(config.attnPdrop);
    this.#residualDropout = new Dropout(config.residPdrop);
  }

  /** x [batch, new, nEmbd] → the same shape, and weights [batch, heads, new, seen] if asked for. */
  forward(x: Tensor, inputs: GPTBlockInputs): { attended: Tensor; weights?: Tensor } {
    const { random, ...options } = inputs;
    const { rate } = this.#attentionDropout;
    const dropout = random && rate > 0 ? { rate, seed: random.int32() } : undefined;
    const { context, weights } = selfAttention(this.qkv.forward(x), {
      ...options,
      numHeads: this.#numHeads,
      scale: this.#scale,
      causal: true,
      dropout,
    });
    const attended = this.#residualDropout.forward(this.output.forward(context), random);
    return { attended, ...(weights && { weights }) };
  }
}

/** The feed-forward network of each position (Vaswani et al. 2017, §3.3). */
export class GPTFeedForward {
  readonly up: Conv1D; // `c_fc`, which ends with the activation
  readonly down: Conv1D; // `c_proj`
  readonly #dropout: Dropout;

  constructor(weights: Weights, config: GPTConfig) {
    const { nEmbd, innerSize, initializerRange, residualRange } = config;
    this.up = new Conv1D(weights.at('c_fc'), {
      inFeatures: nEmbd,
      outFeatures: innerSize,
      initializer: normal(initializerRange),
      activation: config.activation,
    });
    this.down = new Conv1D(weights.at('c_proj'), {
      inFeatures: innerSize,
      outFeatures: nEmbd,
      initializer: normal(residualRange),
    });
    this.#dropout = new Dropout(config.residPdrop);
  }

  /** [batch, new, nEmbd] → the same shape */
  forward(x: Tensor, random?: Random): Tensor {
    return this.#dropout.forward(this.down.forward(this.up.forward(x)), random);
  }
}

/**
 * One layer: attention and a feed-forward network, each beside a residual connection. GPT normalizes
 * the sums (Radford et al. 2018, §3.1), GPT-2 what enters the parts (Radford et al. 2019, §2.3).
 */
export class GPTBlock {
  readonly norm1: LayerNorm;
  readonly attention: GPTAttention;
  readonly norm2: LayerNorm;
  readonly feedForward: GPTFeedForward;
  readonly #preNorm: boolean;

  constructor(weights: Weights, config: GPTConfig, layer: number) {
    const epsilon = { epsilon: config.layerNormEpsilon };
    this.norm1 = new LayerNorm(weights.at('ln_1'), config.nEmbd, epsilon);
    this.attention = new GPTAttention(weights.at('attn'), config, layer);
    this.norm2 = new LayerNorm(weights.at('ln_2'), config.nEmbd, epsilon);
    this.feedForward = new GPTFeedForward(weights.at('mlp'), config);
    this.#preNorm = config.preNorm;
  }

  /** x [batch, new, nEmbd] → the same shape, and weights [batch, heads, new, seen] if asked for. */
  forward(x: Tensor, inputs: GPTBlockInputs): { hidden: Tensor; weights?: Tensor } {
    const { random } = inputs;
    if (this.#preNorm) {
      const { attended, ...rest } = this.attention.forward(this.norm1.forward(x), inputs);
      const between = add(x, attended);
      const fed = this.feedForward.forward(this.norm2.forward(between), random);
      return { hidden: add(between, fed), ...rest };
    }
    const { attended, ...rest } = this.attention.forward(x, inputs);
    const between = this.norm1.forward(add(x, attended));
    const fed = this.feedForward.forward(between, random);
    return { hidden: this.norm2.forward(add(between, fed)), ...rest };
  }
}
