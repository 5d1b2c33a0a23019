import { headMasks, paddingMask } from '@multihead/attention';
import {
  embedding,
  type ForwardOptions,
  type Ids,
  idsToTensor,
  Linear,
  ModelError,
  normal,
  tanh,
  type Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { BertConfig } from './config.js';
import { BertEmbeddings } from './embeddings.js';
import { type BertInputs, checkLength, type PackedInputs } from './inputs.js';
import { BertLayer } from './layer.js';

export interface BertForwardOptions extends ForwardOptions {
  /** Give `hiddenStates`: the embeddings and every layer's output. */
  outputHiddenStates?: boolean | undefined;
  /** Give `attentions`: every layer's weights. */
  outputAttentions?: boolean | undefined;
  /**
   * Rows may differ in length: they are laid end to end in one row, which spends nothing on padding.
   * What `attentionMask` hides is left out. In the outputs below batch is then 1 and length that of all
   * rows together, and `sequenceLengths` says where each begins. Excludes `outputAttentions`.
   */
  ragged?: boolean | undefined;
}

export interface BertTrunkOutputs {
  /** With `ragged`: how many tokens of `lastHiddenState` belong to each row, in order. */
  sequenceLengths?: number[];
  /** [batch, length, hiddenSize] */
  lastHiddenState: tf.Tensor;
  /** tanh of a linear layer over each row's first token, [rows, hiddenSize]; where there is a pooler. */
  poolerOutput?: tf.Tensor;
  /** layers + 1 tensors [batch, length, hiddenSize] */
  hiddenStates?: tf.Tensor[];
  /** One tensor [batch, heads, query, key] a layer */
  attentions?: tf.Tensor[];
}

/** The part all BERTs share: embeddings, encoder, and the pooler where it is wanted. */
export class BertTrunk {
  readonly embeddings: BertEmbeddings;
  readonly layers: readonly BertLayer[];
  readonly pooler: Linear | undefined;

  constructor(
    weights: Weights,
    readonly config: BertConfig,
    { addPoolingLayer }: { addPoolingLayer: boolean },
  ) {
    this.embeddings = new BertEmbeddings(weights.at('embeddings'), config);
    this.layers = Array.from(
      { length: config.numHiddenLayers },
      (_, i) => new BertLayer(weights.at('encoder', 'layer', i), config),
    );
    this.pooler = addPoolingLayer
      ? new Linear(weights.at('pooler', 'dense'), {
          inFeatures: config.hiddenSize,
          outFeatures: config.hiddenSize,
          initializer: normal(config.initializerRange),
        })
      : undefined;
  }

  /** Runs inside a model's `forward`, which frees what is not returned. */
  encode(inputs: PackedInputs, options: BertForwardOptions = {}): BertTrunkOutputs {
    const { random, outputHiddenStates = false, outputAttentions = false } = options;
    const { ids, mask, tokenTypes, positions } = this.#read(inputs);
    const { sequenceLengths } = inputs;
    const { numHiddenLayers, numAttentionHeads } = this.config;
    const sizes = { layers: numHiddenLayers, heads: numAttentionHeads };
    const masks = inputs.headMask == null ? undefined : headMasks(inputs.headMask, sizes);
    const hiddenStates: tf.Tensor[] = [];
    const attentions: tf.Tensor[] = [];

    let hidden = tf.tidy(() => this.embeddings.forward(ids, tokenTypes, positions, random));
    if (outputHiddenStates) hiddenStates.push(hidden);
    this.layers.forEach((layer, i) => {
      const previous = hidden;
      const out = tf.tidy(() => {
        const headMask = masks?.[i];
        const layerInputs = { mask, headMask, sequenceLengths, outputAttentions, random };
        return layer.forward(previous, layerInputs) as { hidden: tf.Tensor; weights: tf.Tensor };
      });
      hidden = out.hidden;
      if (outputHiddenStates) hiddenStates.push(hidden);
      else previous.dispose(); // a backward pass has saved its own
      if (outputAttentions) attentions.push(out.weights);
    });

    return {
      ...(sequenceLengths && { sequenceLengths }),
      lastHiddenState: hidden,
      ...(this.pooler && { poolerOutput: this.#pool(hidden, sequenceLengths, this.pooler) }),
      ...(outputHiddenStates && { hiddenStates }),
      ...(outputAttentions && { attentions }),
    };
  }

  #pool(hidden: tf.Tensor, sequenceLengths: number[] | undefined, pooler: Linear): tf.Tensor {
    const [batch, length, size] = hidden.shape as [number, number, number];
    let start = 0;
    const firsts = (sequenceLengths ?? Array<number>(batch).fill(length)).map((length) => {
      start += length;
      return start - length;
    });
    const rows = tf.reshape(hidden, [batch * length, size]);
    return tanh(pooler.forward(embedding(rows, tf.tensor1d(firsts, 'int32')))); // [rows, hiddenSize]
  }

  #read(inputs: BertInputs) {
    const { vocabSize, typeVocabSize } = this.config;
    const ids = idsToTensor(inputs.inputIds, 'inputIds', { end: vocabSize });
    const shape = ids.shape as [number, number];
    if (inputs.positionIds == null) checkLength(shape[1], this.config);
    const optional = (given: Ids | undefined, name: string, end: number) =>
      given == null ? undefined : idsToTensor(given, name, { end, shape });
    const attention = optional(inputs.attentionMask, 'attentionMask', 2);
    const order = tf.reshape(tf.range(0, shape[1], 1, 'int32'), [1, shape[1]]);
    return {
      ids,
      mask: attention && paddingMask(attention), // [batch, 1, 1, length]
      tokenTypes:
        optional(inputs.tokenTypeIds, 'tokenTypeIds', typeVocabSize) ?? tf.zeros(shape, 'int32'),
      positions: this.#positions(inputs.positionIds, shape) ?? order,
    };
  }

  /** [batch, length], or [1, length] for all rows. */
  #positions(given: Ids | undefined, shape: [number, number]): tf.Tensor | undefined {
    if (given == null) return undefined;
    const positions = idsToTensor(given, 'positionIds', { end: this.config.maxPositionEmbeddings });
    const [rows, length] = positions.shape;
    if ((rows === 1 || rows === shape[0]) && length === shape[1]) return positions;
    throw new ModelError(
      'WRONG_SHAPE',
      `positionIds is [${positions.shape}], but inputIds are [${shape}].`,
    );
  }
}
