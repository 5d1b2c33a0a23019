import {
  type Activation,
  activation,
  crossEntropy,
  Dropout,
  embedding,
  type Ids,
  idsToTensor,
  Linear,
  linear,
  ModelError,
  type ModelOutput,
  modelOutput,
  normal,
  type Parameter,
  PretrainedModel,
  type Random,
  Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { GPTConfig } from './config.js';
import type { GPTForwardOptions } from './inputs.js';
import { headWeight, nextLabels } from './lm-head.js';
import { GPTTrunk } from './trunk.js';

/** [batch, choices, length]; or [choices, length], which is a batch of one question. */
export type ChoiceIds = Ids | readonly (readonly ArrayLike<number>[])[];

export interface DoubleHeadsInputs {
  inputIds: ChoiceIds;
  /** 1 for a token, 0 for padding; default all 1. This and the next three in the shape of `inputIds`. */
  attentionMask?: ChoiceIds | undefined;
  positionIds?: ChoiceIds | undefined;
  /** Tokens whose embeddings are added; see `GPTInputs`. */
  typeTokenIds?: ChoiceIds | undefined;
  /** The texts themselves (the model shifts), −100 where the loss looks away. */
  labels?: ChoiceIds | undefined;
  /** The position that stands for each choice, [batch, choices]; default the last. For `cls_index`. */
  mcTokenIds?: Ids | undefined;
  /** The right choice of each question, [batch]. */
  mcLabels?: Ids | undefined;
}

export interface DoubleHeadsOutputs {
  /** Mean cross-entropy of the next tokens, in nats; with `labels`. */
  loss?: tf.Tensor;
  /** Mean cross-entropy of the right choice, in nats; with `mcLabels`. */
  mcLoss?: tf.Tensor;
  /** [batch, choices, length, vocabSize] */
  logits: tf.Tensor;
  /** [batch, choices]; and [batch, choices, nEmbd] where the summary is no single number. */
  mcLogits: tf.Tensor;
  /** Every choice is a row: layers + 1 tensors [batch·choices, length, nEmbd] */
  hiddenStates?: tf.Tensor[];
  /** One tensor [batch·choices, heads, query, key] a layer */
  attentions?: tf.Tensor[];
}

/** A GPT with two heads: the next token, and which of several texts is the right one. */
export abstract class DoubleHeadsModel<Config extends GPTConfig> extends PretrainedModel<Config> {
  readonly transformer: GPTTrunk;
  readonly headWeight: Parameter; // [vocabSize, nEmbd]
  readonly multipleChoiceHead: SequenceSummary;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: Config, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new GPTTrunk(weights.at('transformer'), config);
    this.headWeight = headWeight(weights, config, this.transformer);
    this.multipleChoiceHead = new SequenceSummary(weights.at('multiple_choice_head'), config);
  }

  /** @throws ModelError for ids out of range, ragged rows, shapes that do not fit, too many tokens */
  forward(
    inputs: DoubleHeadsInputs,
    options: GPTForwardOptions = {},
  ): ModelOutput<DoubleHeadsOutputs> {
    return modelOutput(() => {
      const { rows: inputIds, questions } = asRows(inputs.inputIds);
      const optional = (ids: ChoiceIds | undefined) => (ids == null ? undefined : asRows(ids).rows);
      const { lastHiddenState, ...rest } = this.transformer.encode(
        {
          inputIds,
          attentionMask: optional(inputs.attentionMask),
          positionIds: optional(inputs.positionIds),
          typeTokenIds: optional(inputs.typeTokenIds),
        },
        options,
      );
      const [texts, length, size] = lastHiddenState.shape as [number, number, number];
      if (questions !== undefined && texts % questions !== 0) {
        throw new ModelError('BAD_INPUT', 'Every question must have as many choices as the first.');
      }
      const choices = texts / (questions ?? 1);
      const shape = questions === undefined ? [texts] : [questions, choices];
      const { vocabSize } = this.config;

      const rows = tf.reshape(lastHiddenState, [texts * length, size]);
      const flat = linear(rows, this.headWeight); // [batch·choices·length, vocabSize]
      const labels = optional(inputs.labels);
      const truth = labels && nextLabels(labels, [texts, length], vocabSize);

      const places = this.#places(inputs.mcTokenIds, shape, length);
      const summary = this.multipleChoiceHead.forward(lastHiddenState, places, options.random);
      const width = summary.shape[1]!;
      const mcLogits = tf.reshape(summary, width === 1 ? shape : [...shape, width]);
      const right = inputs.mcLabels ?? undefined;
      return {
        ...(truth && { loss: crossEntropy(flat, truth) }),
        ...(right && { mcLoss: this.#choiceLoss(summary, right, [texts / choices, choices]) }),
        logits: tf.reshape(flat, [...shape, length, vocabSize]),
        mcLogits,
        ...rest,
      };
    });
  }

  /** The position of each text's summary, [texts], where the caller says. */
  #places(given: Ids | undefined, shape: number[], length: number): tf.Tensor | undefined {
    if (given == null) return undefined;
    if (this.config.summaryType !== 'cls_index') {
      throw new ModelError(
        'BAD_INPUT',
        `mcTokenIds are for the summaryType cls_index; this model's is ${this.config.summaryType}.`,
      );
    }
    const places = idsToTensor(given, 'mcTokenIds', { end: length });
    const wanted = shape.length === 1 ? [1, ...shape] : shape;
    if (places.shape.join() === wanted.join()) return tf.reshape(places, [places.size]);
    throw new ModelError(
      'WRONG_SHAPE',
      `mcTokenIds are [${places.shape}], but inputIds are [${shape}] texts.`,
    );
  }

  #choiceLoss(summary: tf.Tensor, right: Ids, [questions, choices]: [number, number]): tf.Tensor {
    if (summary.shape[1] !== 1) {
      throw new ModelError(
        'BAD_CONFIG',
        `mcLabels need one number a choice; this model's summary has ${summary.shape[1]} (summaryUseProj, summaryProjToLabels).`,
      );
    }
    const labels = idsToTensor(right, 'mcLabels', { end: choices, ignoreIndex: -100 });
    if (labels.size !== questions) {
      throw new ModelError(
        'WRONG_SHAPE',
        `mcLabels are ${labels.size}, one a question, but there are ${questions} questions.`,
      );
    }
    const scores = tf.reshape(summary, [questions, choices]);
    return crossEntropy(scores, tf.reshape(labels, [questions]));
  }
}

/** One vector, or one number, for a text. */
export class SequenceSummary {
  readonly summary: Linear | undefined;
  readonly #type: GPTConfig['summaryType'];
  readonly #activation: Activation | undefined;
  readonly #dropouts: [first: Dropout, last: Dropout];

  constructor(weights: Weights, config: GPTConfig) {
    const { nEmbd, summaryActivation } = config;
    this.summary = config.summaryUseProj
      ? new Linear(weights.at('summary'), {
          inFeatures: nEmbd,
          outFeatures: config.summaryProjToLabels ? 1 : nEmbd,
          initializer: normal(config.initializerRange),
        })
      : undefined;
    this.#type = config.summaryType;
    this.#activation = summaryActivation === null ? undefined : activation(summaryActivation);
    this.#dropouts = [
      new Dropout(config.summaryFirstDropout),
      new Dropout(config.summaryLastDropout),
    ];
  }

  /** hidden [texts, length, nEmbd], places int32 [texts] → [texts, 1 or nEmbd] */
  forward(hidden: tf.Tensor, places: tf.Tensor | undefined, random?: Random): tf.Tensor {
    const [first, last] = this.#dropouts;
    const dropped = first.forward(this.#pick(hidden, places), random);
    const projected = this.summary ? this.summary.forward(dropped) : dropped;
    return last.forward(this.#activation ? this.#activation(projected) : projected, random);
  }

  #pick(hidden: tf.Tensor, places: tf.Tensor | undefined): tf.Tensor {
    const [texts, length] = hidden.shape as [number, number, number];
    if (this.#type === 'mean') return tf.mean(hidden, 1);
    const same = (place: number) => tf.fill([texts], place, 'int32');
    return atPlaces(hidden, places ?? same(this.#type === 'first' ? 0 : length - 1));
  }
}

/** One vector of each text: hidden [texts, length, size], places int32 [texts] → [texts, size] */
export function atPlaces(hidden: tf.Tensor, places: tf.Tensor): tf.Tensor {
  const [texts, length, size] = hidden.shape as [number, number, number];
  const starts = tf.range(0, texts * length, length, 'int32');
  return embedding(tf.reshape(hidden, [texts * length, size]), tf.add(starts, places));
}

/** Every choice as a row, and how many questions there are where the ids say so. */
function asRows(ids: ChoiceIds): { rows: Ids; questions: number | undefined } {
  if ('dataId' in Object(ids)) {
    const given = ids as tf.Tensor;
    if (given.rank !== 3) return { rows: given, questions: undefined };
    const [questions, choices, length] = given.shape as [number, number, number];
    return { rows: tf.reshape(given, [questions * choices, length]), questions };
  }
  const nested = ids as readonly (readonly ArrayLike<number>[])[];
  const isRow = (x: unknown) => typeof x === 'object' && x !== null && 'length' in x;
  if (!isRow(nested[0]) || !isRow(nested[0]![0])) return { rows: ids as Ids, questions: undefined };
  return { rows: nested.flatMap((texts) => Array.from(texts)), questions: nested.length };
}
