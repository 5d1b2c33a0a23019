import {
  classificationLoss,
  Dropout,
  type FromPretrainedOptions,
  Linear,
  loadPretrained,
  type ModelOutput,
  modelOutput,
  type Numbers,
  normal,
  PretrainedModel,
  type PretrainedSource,
  Weights,
} from '@multihead/nn';
import type * as tf from '@tensorflow/tfjs-core';
import { classifierKeys } from './checkpoint-keys.js';
import { BertConfig } from './config.js';
import { type BertInputs, packInputs } from './inputs.js';
import { asHuggingFace } from './layouts.js';
import { type BertForwardOptions, BertTrunk } from './trunk.js';

export interface BertSequenceClassificationInputs extends BertInputs {
  /** One class a text [batch], several or numbers [batch, numLabels]; see `classificationLoss`. */
  labels?: Numbers | undefined;
}

export interface BertSequenceClassificationOutputs {
  /** What `config.problemType` says, else what follows from the labels; with `labels`. */
  loss?: tf.Tensor;
  /** [batch, numLabels], before softmax */
  logits: tf.Tensor;
  /** With `ragged`: how many positions of the hidden states belong to each row, in order. */
  sequenceLengths?: number[];
  hiddenStates?: tf.Tensor[];
  attentions?: tf.Tensor[];
}

/** BERT that says something about a text, or a pair, by its pooled first token (Devlin et al. 2019, §4.1). */
export class BertForSequenceClassification extends PretrainedModel<BertConfig> {
  protected override readonly architecture = 'BertForSequenceClassification';
  readonly bert: BertTrunk;
  readonly classifier: Linear;
  readonly #dropout: Dropout;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: BertConfig, weights: Weights = new Weights()) {
    super(config, weights);
    this.bert = new BertTrunk(weights.at('bert'), config, { addPoolingLayer: true });
    this.classifier = new Linear(weights.at('classifier'), {
      inFeatures: config.hiddenSize,
      outFeatures: config.numLabels,
      initializer: normal(config.initializerRange),
    });
    this.#dropout = new Dropout(config.classifierDropout ?? config.hiddenDropoutProb);
  }

  /**
   * From a folder, URL or hub id in Hugging Face's format, or in Google's. A checkpoint without a classifier, such as one
   * that was pre-trained, needs `initializeMissing`.
   *
   * @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError
   */
  static fromPretrained(
    source: PretrainedSource,
    options: FromPretrainedOptions = {},
  ): Promise<BertForSequenceClassification> {
    const recipe = {
      adapt: asHuggingFace,
      config: BertConfig.fromJson,
      keyMap: () => classifierKeys,
      build: (config: BertConfig, weights: Weights) =>
        new BertForSequenceClassification(config, weights),
    };
    return loadPretrained(source, recipe, options);
  }

  /** @throws ModelError for ids out of range, rows of unequal length unless `ragged`, shapes that do not fit */
  forward(
    given: BertSequenceClassificationInputs,
    options: BertForwardOptions = {},
  ): ModelOutput<BertSequenceClassificationOutputs> {
    // By name: a tokenizer's result has getters. The labels are of texts, which are not packed.
    const { labels, inputIds, attentionMask, tokenTypeIds, positionIds, headMask } = given;
    const inputs = { inputIds, attentionMask, tokenTypeIds, positionIds, headMask };
    return modelOutput(() => {
      const packed = options.ragged ? packInputs(inputs, this.config) : inputs;
      const encoded = this.bert.encode(packed, options);
      const { lastHiddenState: _, poolerOutput, ...rest } = encoded;
      const pooled = this.#dropout.forward(poolerOutput!, options.random);
      const logits = this.classifier.forward(pooled);
      const { problemType } = this.config;
      return {
        ...(labels != null && { loss: classificationLoss(logits, labels, problemType) }),
        logits,
        ...rest,
      };
    });
  }
}
