import {
  Dropout,
  type Initializer,
  Linear,
  ModelError,
  type Random,
  type Weights,
} from '@multihead/nn';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { KeyValueCache } from './key-value-cache.js';
import { type AttentionResult, scaledDotProductAttention } from './scaled-dot-product-attention.js';

export interface MultiHeadAttentionOptions {
  hiddenSize: number;
  numHeads: number;
  /** Rate of dropout on the weights; default 0. */
  dropout?: number;
  /** Of the four projections' weights. */
  initializer?: Initializer;
}

/** Where the four projections are found, since checkpoints disagree on their names. */
export interface ProjectionWeights {
  query: Weights;
  key: Weights;
  value: Weights;
  output: Weights;
}

export interface MultiHeadAttentionInputs {
  /** Attend to this [batch, key, hiddenSize] in place of the queries' own sequence. */
  memory?: Tensor;
  /** Additive, broadcastable to [batch, heads, query, key]; see `paddingMask`. */
  mask?: Tensor | undefined;
  causal?: boolean;
  /** Multiplies each head's weights; broadcastable to [batch, heads, query, key]. */
  headMask?: Tensor | undefined;
  outputAttentions?: boolean;
  /** x follows what this holds: its keys and values are appended, and x attends to all of them. */
  cache?: KeyValueCache | undefined;
  /** The row is sequences laid end to end, each so long, and each sees itself alone. */
  sequenceLengths?: readonly number[] | undefined;
  /** Dropout is on and draws from this. */
  random?: Random | undefined;
}

/** Multi-head attention (Vaswani et al. 2017, §3.2.2): project, attend in each head, project back. */
export class MultiHeadAttention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly #numHeads: number;
  readonly #dropout: number;

  /** @throws ModelError `BAD_CONFIG` for heads that do not divide hiddenSize, or a rate that is none */
  constructor(weights: ProjectionWeights, options: MultiHeadAttentionOptions) {
    const { hiddenSize, numHeads, dropout = 0, initializer } = options;
    if (!(Number.isInteger(numHeads) && numHeads > 0 && hiddenSize % numHeads === 0)) {
      throw new ModelError(
        'BAD_CONFIG',
        `hiddenSize ${hiddenSize} does not divide into ${numHeads} heads.`,
      );
    }
    const size = { inFeatures: hiddenSize, outFeatures: hiddenSize };
    const linear = { ...size, ...(initializer && { initializer }) };
    this.query = new Linear(weights.query, linear);
    this.key = new Linear(weights.key, linear);
    this.value = new Linear(weights.value, linear);
    this.output = new Linear(weights.output, linear);
    this.#numHeads = numHeads;
    this.#dropout = new Dropout(dropout).rate;
  }

  /** x [batch, query, hiddenSize] → context [batch, query, hiddenSize], and weights if asked for. */
  forward(x: Tensor, inputs: MultiHeadAttentionInputs = {}): AttentionResult {
    const { memory = x, random, ...options } = inputs;
    const seed = random?.int32();
    const dropout =
      seed !== undefined && this.#dropout > 0 ? { rate: this.#dropout, seed } : undefined;
    return tidy(() => {
      const { context, weights } = scaledDotProductAttention(
        this.query.forward(x),
        this.key.forward(memory),
        this.value.forward(memory),
        { ...options, numHeads: this.#numHeads, dropout },
      );
      return { context: this.output.forward(context), ...(weights && { weights }) };
    });
  }
}
