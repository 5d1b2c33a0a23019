import {
  crossEntropy,
  Dropout,
  type Ids,
  idsToTensor,
  Linear,
  ModelError,
  type ModelOutput,
  modelOutput,
  type Numbers,
  normal,
  PretrainedModel,
  readNumbers,
  Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { GPTConfig } from './config.js';
import type { GPTForwardOptions, GPTInputs } from './inputs.js';
import { GPTTrunk } from './trunk.js';

export interface TokenClassifierInputs extends GPTInputs {
  /** Each token's class, in the shape of `inputIds`; −100 does not count. */
  labels?: Ids | undefined;
}

export interface TokenClassifierOutputs {
  /** Mean cross-entropy over the labelled tokens, in nats; with `labels`. */
  loss?: tf.Tensor;
  /** [batch, length, numLabels], before softmax */
  logits: tf.Tensor;
  hiddenStates?: tf.Tensor[];
  attentions?: tf.Tensor[];
}

/** A GPT that gives each token a class. */
export abstract class TokenClassifier<Config extends GPTConfig> extends PretrainedModel<Config> {
  readonly transformer: GPTTrunk;
  readonly classifier: Linear;
  readonly #dropout: Dropout;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: Config, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new GPTTrunk(weights.at('transformer'), config);
    this.classifier = head(weights.at('classifier'), config, config.numLabels);
    this.#dropout = new Dropout(config.classifierDropout ?? 0.1);
  }

  /** @throws ModelError for ids out of range, ragged rows, shapes that do not fit, too many tokens */
  forward(
    inputs: TokenClassifierInputs,
    options: GPTForwardOptions = {},
  ): ModelOutput<TokenClassifierOutputs> {
    return modelOutput(() => {
      const { lastHiddenState, ...rest } = this.transformer.encode(inputs, options);
      const dropped = this.#dropout.forward(lastHiddenState, options.random);
      const logits = this.classifier.forward(dropped);
      const [batch, length, classes] = logits.shape as [number, number, number];
      const labels =
        inputs.labels == null
          ? undefined
          : idsToTensor(inputs.labels, 'labels', {
              end: classes,
              ignoreIndex: -100,
              shape: [batch, length],
            });
      const flat = [batch * length, classes];
      return {
        ...(labels && {
          loss: crossEntropy(tf.reshape(logits, flat), tf.reshape(labels, [labels.size])),
        }),
        logits,
        ...rest,
      };
    });
  }
}

export interface QuestionAnsweringInputs extends GPTInputs {
  /** Where each answer begins and ends, [batch]; a place outside of the text does not count. */
  startPositions?: Numbers | undefined;
  endPositions?: Numbers | undefined;
}

export interface QuestionAnsweringOutputs {
  /** The mean of both ends' cross-entropies, in nats; with both positions. */
  loss?: tf.Tensor;
  /** [batch, length], before softmax over the text */
  startLogits: tf.Tensor;
  endLogits: tf.Tensor;
  hiddenStates?: tf.Tensor[];
  attentions?: tf.Tensor[];
}

/** A GPT that finds the answer in a text: where it begins and where it ends. */
export abstract class QuestionAnswerer<Config extends GPTConfig> extends PretrainedModel<Config> {
  readonly transformer: GPTTrunk;
  readonly qaOutputs: Linear;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: Config, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new GPTTrunk(weights.at('transformer'), config);
    this.qaOutputs = head(weights.at('qa_outputs'), config, 2);
  }

  /** @throws ModelError for ids out of range, ragged rows, shapes that do not fit, too many tokens */
  forward(
    inputs: QuestionAnsweringInputs,
    options: GPTForwardOptions = {},
  ): ModelOutput<QuestionAnsweringOutputs> {
    const { startPositions, endPositions } = inputs;
    if ((startPositions == null) !== (endPositions == null)) {
      throw new ModelError('BAD_INPUT', 'Give both startPositions and endPositions, or neither.');
    }
    return modelOutput(() => {
      const { lastHiddenState, ...rest } = this.transformer.encode(inputs, options);
      const both = this.qaOutputs.forward(lastHiddenState); // [batch, length, 2]
      const [startLogits, endLogits] = tf
        .split(both, 2, -1)
        .map((one) => tf.reshape(one, one.shape.slice(0, 2))) as [tf.Tensor, tf.Tensor];
      if (startPositions == null || endPositions == null)
        return { startLogits, endLogits, ...rest };
      const start = placeLoss(startLogits, startPositions, 'startPositions');
      const end = placeLoss(endLogits, endPositions, 'endPositions');
      return { loss: tf.div(tf.add(start, end), 2), startLogits, endLogits, ...rest };
    });
  }
}

/** logits [batch, length]; a place before the text is its first, one behind it does not count. */
function placeLoss(logits: tf.Tensor, given: Numbers, name: string): tf.Tensor {
  const [batch, length] = logits.shape as [number, number];
  const places = readNumbers(given);
  if (places === undefined || places.size !== batch) {
    const found = places ? `[${places.shape}]` : 'no numbers';
    throw new ModelError('WRONG_SHAPE', `${name} is ${found}; it must be [${batch}].`);
  }
  const inside = Array.from(places.dataSync(), (place) => Math.min(Math.max(place, 0), length));
  if (!inside.every(Number.isInteger)) {
    throw new ModelError('BAD_INPUT', `${name} must be whole numbers, not [${inside}].`);
  }
  return crossEntropy(logits, tf.tensor1d(inside, 'int32'), { ignoreIndex: length });
}

const head = (weights: Weights, config: GPTConfig, outFeatures: number): Linear =>
  new Linear(weights, {
    inFeatures: config.nEmbd,
    outFeatures,
    initializer: normal(config.initializerRange),
  });
