import {
  classificationLoss,
  embedding,
  type FromPretrainedOptions,
  Linear,
  loadPretrained,
  ModelError,
  type ModelOutput,
  modelOutput,
  type Numbers,
  PretrainedModel,
  type PretrainedSource,
  Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { headKeys } from './checkpoint-keys.js';
import { TransfoXLConfig } from './config.js';
import type { TransfoXLForwardOptions, TransfoXLInputs } from './inputs.js';
import { asHuggingFace } from './layouts.js';
import { emptyMemories } from './memories.js';
import { TransfoXLTrunk } from './trunk.js';

export interface SequenceClassifierInputs extends TransfoXLInputs {
  /** One class a text [batch], several or numbers [batch, numLabels]; see `classificationLoss`. */
  labels?: Numbers | undefined;
}

export interface SequenceClassifierOutputs {
  /** What `config.problemType` says, else what follows from the labels; with `labels`. */
  loss?: tf.Tensor;
  /** [batch, numLabels], before softmax */
  logits: tf.Tensor;
  /** What to remember for the next segment; see `TransfoXLTrunkOutputs`. */
  mems?: tf.Tensor[];
  hiddenStates?: tf.Tensor[];
  attentions?: tf.Tensor[];
}

/** Transformer-XL that says something about a text, by its last token that is not padding. */
export class TransfoXLForSequenceClassification extends PretrainedModel<TransfoXLConfig> {
  protected override readonly architecture = 'TransfoXLForSequenceClassification';
  readonly transformer: TransfoXLTrunk;
  readonly score: Linear;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: TransfoXLConfig, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new TransfoXLTrunk(weights.at('transformer'), config);
    this.score = new Linear(weights.at('score'), {
      inFeatures: config.dModel,
      outFeatures: config.numLabels,
      bias: false,
      initializer: config.initializer,
    });
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: FromPretrainedOptions = {},
  ): Promise<TransfoXLForSequenceClassification> {
    const build = (config: TransfoXLConfig, weights: Weights) =>
      new TransfoXLForSequenceClassification(config, weights);
    const recipe = {
      adapt: asHuggingFace,
      config: TransfoXLConfig.fromJson,
      keyMap: headKeys,
      build,
    };
    return loadPretrained(source, recipe, options);
  }

  /**
   * @throws ModelError `BAD_INPUT` for several texts of which nothing says what is padding; and for ids
   *   out of range, ragged rows, shapes and lengths that do not fit
   */
  forward(
    inputs: SequenceClassifierInputs,
    options: TransfoXLForwardOptions = {},
  ): ModelOutput<SequenceClassifierOutputs> {
    return modelOutput(() => {
      const { lastHiddenState, ...rest } = this.transformer.encode(inputs, options);
      const [batch, length, width] = lastHiddenState.shape as [number, number, number];
      const rows = this.#lastTokens(inputs, batch, length).map((at, row) => row * length + at);
      const last = embedding(
        tf.reshape(lastHiddenState, [batch * length, width]),
        tf.tensor1d(rows, 'int32'),
      );
      const logits = this.score.forward(last);
      const { problemType } = this.config;
      const { labels } = inputs;
      return {
        ...(labels != null && { loss: classificationLoss(logits, labels, problemType) }),
        logits,
        ...rest,
      };
    });
  }

  /** Memories to begin with: `length` tokens of zeros. The caller owns them. */
  initMems(batch: number, length: number = this.config.memLen): tf.Tensor[] {
    return emptyMemories(this.config, batch, length);
  }

  /**
   * Where each text ends: its last token that is not `padTokenId`, wherever the padding is. Where the
   * configuration names none, `attentionMask` says what is padding.
   */
  #lastTokens(inputs: SequenceClassifierInputs, batch: number, length: number): number[] {
    const { padTokenId } = this.config;
    const { inputIds, attentionMask } = inputs;
    const byId = padTokenId !== null && inputIds != null;
    const given = byId ? inputIds : attentionMask;
    if (given == null) {
      if (batch === 1) return [length - 1];
      throw new ModelError(
        'BAD_INPUT',
        'With several texts the classifier must know what is padding: give attentionMask, or a configuration with padTokenId.',
      );
    }
    const padding = byId ? padTokenId : 0;
    const values = valuesOf(given);
    return Array.from({ length: batch }, (_, row) => {
      const text = values.slice(row * length, (row + 1) * length);
      return Math.max(
        text.findLastIndex((value) => value !== padding),
        0,
      );
    });
  }
}

/** Of ids that the trunk has checked. */
function valuesOf(ids: NonNullable<TransfoXLInputs['inputIds']>): number[] {
  if ('dataId' in Object(ids)) return Array.from((ids as tf.Tensor).dataSync());
  return Array.from(ids as ArrayLike<number | ArrayLike<number>>).flatMap((row) =>
    typeof row === 'object' ? Array.from(row, Number) : [Number(row)],
  );
}
