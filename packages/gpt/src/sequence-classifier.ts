import {
  classificationLoss,
  Linear,
  ModelError,
  type ModelOutput,
  modelOutput,
  type Numbers,
  normal,
  PretrainedModel,
  Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { GPTConfig } from './config.js';
import { atPlaces } from './double-heads.js';
import type { GPTForwardOptions, GPTInputs } from './inputs.js';
import { GPTTrunk } from './trunk.js';

export interface SequenceClassifierInputs extends GPTInputs {
  /** One class a text [batch], several or numbers [batch, numLabels]; see `classificationLoss`. */
  labels?: Numbers | undefined;
}

export interface SequenceClassifierOutputs {
  /** What `config.problemType` says, else what follows from the labels; with `labels`. */
  loss?: tf.Tensor;
  /** [batch, numLabels], before softmax */
  logits: tf.Tensor;
  hiddenStates?: tf.Tensor[];
  attentions?: tf.Tensor[];
}

/** A GPT that says something about a text, by its last token that is not padding. */
export abstract class SequenceClassifier<Config extends GPTConfig> extends PretrainedModel<Config> {
  readonly transformer: GPTTrunk;
  readonly score: Linear;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: Config, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new GPTTrunk(weights.at('transformer'), config);
    this.score = new Linear(weights.at('score'), {
      inFeatures: config.nEmbd,
      outFeatures: config.numLabels,
      bias: false,
      initializer: normal(config.initializerRange),
    });
  }

  /**
   * @throws ModelError `BAD_INPUT` for several texts of which nothing says what is padding; and for ids
   *   out of range, ragged rows, shapes that do not fit, too many tokens
   */
  forward(
    inputs: SequenceClassifierInputs,
    options: GPTForwardOptions = {},
  ): ModelOutput<SequenceClassifierOutputs> {
    const labels = inputs.labels ?? undefined;
    return modelOutput(() => {
      const { lastHiddenState, ...rest } = this.transformer.encode(inputs, options);
      const [batch, length] = lastHiddenState.shape as [number, number, number];
      const places = this.#lastTokens(inputs, batch, length);
      const logits = this.score.forward(atPlaces(lastHiddenState, places));
      const { problemType } = this.config;
      return {
        ...(labels && { loss: classificationLoss(logits, labels, problemType) }),
        logits,
        ...rest,
      };
    });
  }

  /**
   * Where each text ends: its last token that is not `padTokenId`, wherever the padding is. Where the
   * configuration names none, `attentionMask` says what is padding.
   */
  #lastTokens(inputs: SequenceClassifierInputs, batch: number, length: number): tf.Tensor {
    const { padTokenId } = this.config;
    const { inputIds, attentionMask } = inputs;
    const byId = padTokenId !== null && inputIds != null;
    const given = byId ? inputIds : attentionMask;
    if (given == null) {
      if (batch === 1) return tf.tensor1d([length - 1], 'int32');
      throw new ModelError(
        'BAD_INPUT',
        'With several texts the classifier must know what is padding: give attentionMask, or a configuration with padTokenId.',
      );
    }
    const padding = byId ? padTokenId : 0;
    const values = valuesOf(given);
    const last = Int32Array.from({ length: batch }, (_, row) => {
      const text = values.slice(row * length, (row + 1) * length);
      return Math.max(
        text.findLastIndex((value) => value !== padding),
        0,
      );
    });
    return tf.tensor1d(last, 'int32');
  }
}

/** Of ids that the trunk has checked. */
function valuesOf(ids: NonNullable<GPTInputs['inputIds']>): number[] {
  if ('dataId' in Object(ids)) return Array.from((ids as tf.Tensor).dataSync());
  return Array.from(ids as ArrayLike<number | ArrayLike<number>>).flatMap((row) =>
    typeof row === 'object' ? Array.from(row, Number) : [Number(row)],
  );
}
