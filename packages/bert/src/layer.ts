import { MultiHeadAttention } from '@multihead/attention';
import { Dropout, LayerNorm, Linear, normal, type Random, type Weights } from '@multihead/nn';
import { add, type Tensor } from '@tensorflow/tfjs-core';
import type { BertConfig } from './config.js';

export interface BertLayerInputs {
  /** Additive, broadcastable to [batch, heads, query, key]. */
  mask?: Tensor | undefined;
  /** Multiplies the weights, head by head. */
  headMask?: Tensor | undefined;
  /** x is one row of sequences laid end to end, each so long. */
  sequenceLengths?: readonly number[] | undefined;
  outputAttentions?: boolean;
  random?: Random | undefined;
}

/**
 * One encoder layer: self-attention and a feed-forward network, each followed by dropout, residual
 * and layer norm (Vaswani et al. 2017, §3.1; the norm comes after, as in BERT).
 */
export class BertLayer {
  readonly attention: MultiHeadAttention;
  readonly attentionNorm: LayerNorm;
  readonly intermediate: Linear;
  readonly output: Linear;
  readonly outputNorm: LayerNorm;
  readonly #dropout: Dropout;

  constructor(weights: Weights, config: BertConfig) {
    const { hiddenSize, intermediateSize } = config;
    const initializer = normal(config.initializerRange);
    const norm = { epsilon: config.layerNormEps };
    const attention = weights.at('attention');
    const projections = {
      query: attention.at('self', 'query'),
      key: attention.at('self', 'key'),
      value: attention.at('self', 'value'),
      output: attention.at('output', 'dense'),
    };
    this.attention = new MultiHeadAttention(projections, {
      hiddenSize,
      numHeads: config.numAttentionHeads,
      dropout: config.attentionProbsDropoutProb,
      initializer,
    });
    this.attentionNorm = new LayerNorm(attention.at('output', 'LayerNorm'), hiddenSize, norm);
    this.intermediate = new Linear(weights.at('intermediate', 'dense'), {
      inFeatures: hiddenSize,
      outFeatures: intermediateSize,
      initializer,
      activation: config.hiddenAct,
    });
    this.output = new Linear(weights.at('output', 'dense'), {
      inFeatures: intermediateSize,
      outFeatures: hiddenSize,
      initializer,
    });
    this.outputNorm = new LayerNorm(weights.at('output', 'LayerNorm'), hiddenSize, norm);
    this.#dropout = new Dropout(config.hiddenDropoutProb);
  }

  /** x [batch, length, hiddenSize] → the same shape, and weights [batch, heads, length, length]. */
  forward(x: Tensor, inputs: BertLayerInputs): { hidden: Tensor; weights?: Tensor } {
    const { random } = inputs;
    const { context, weights } = this.attention.forward(x, inputs);
    const attended = this.attentionNorm.forward(add(this.#dropout.forward(context, random), x));
    const wide = this.intermediate.forward(attended); // [batch, length, intermediateSize]
    const narrow = this.#dropout.forward(this.output.forward(wide), random);
    return {
      hidden: this.outputNorm.forward(add(narrow, attended)),
      ...(weights && { weights }),
    };
  }
}
