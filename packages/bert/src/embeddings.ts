import { Dropout, Embedding, LayerNorm, normal, type Random, type Weights } from '@multihead/nn';
import { add, type Tensor } from '@tensorflow/tfjs-core';
import type { BertConfig } from './config.js';

/** The sum of word, position and token-type embeddings, normalized (Devlin et al. 2019, §3, fig. 2). */
export class BertEmbeddings {
  readonly wordEmbeddings: Embedding;
  readonly positionEmbeddings: Embedding;
  readonly tokenTypeEmbeddings: Embedding;
  readonly layerNorm: LayerNorm;
  readonly dropout: Dropout;

  constructor(weights: Weights, config: BertConfig) {
    const size = { embeddingDim: config.hiddenSize, initializer: normal(config.initializerRange) };
    this.wordEmbeddings = new Embedding(weights.at('word_embeddings'), {
      ...size,
      numEmbeddings: config.vocabSize,
      paddingIndex: config.padTokenId ?? undefined,
    });
    this.positionEmbeddings = new Embedding(weights.at('position_embeddings'), {
      ...size,
      numEmbeddings: config.maxPositionEmbeddings,
    });
    this.tokenTypeEmbeddings = new Embedding(weights.at('token_type_embeddings'), {
      ...size,
      numEmbeddings: config.typeVocabSize,
    });
    this.layerNorm = new LayerNorm(weights.at('LayerNorm'), config.hiddenSize, {
      epsilon: config.layerNormEps,
    });
    this.dropout = new Dropout(config.hiddenDropoutProb);
  }

  /** ids int32, each [batch, length] → [batch, length, hiddenSize] */
  forward(ids: Tensor, tokenTypes: Tensor, positions: Tensor, random?: Random): Tensor {
    const sum = add(
      add(this.wordEmbeddings.forward(ids), this.tokenTypeEmbeddings.forward(tokenTypes)),
      this.positionEmbeddings.forward(positions),
    );
    return this.dropout.forward(this.layerNorm.forward(sum), random);
  }
}
