import {
  type Activation,
  activation,
  crossEntropy,
  embedding,
  type FromPretrainedOptions,
  type Ids,
  idsToTensor,
  LayerNorm,
  Linear,
  linear,
  linearCrossEntropy,
  loadPretrained,
  ModelError,
  type ModelOutput,
  modelOutput,
  normal,
  type Parameter,
  PretrainedModel,
  type PretrainedSource,
  Weights,
  zeros,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { maskedLMKeys } from './checkpoint-keys.js';
import { BertConfig } from './config.js';
import { type BertInputs, IGNORED, type PackedInputs, packInputs } from './inputs.js';
import { asHuggingFace } from './layouts.js';
import { type BertForwardOptions, BertTrunk } from './trunk.js';

export interface BertMaskedLMInputs extends BertInputs {
  /** The true id at each masked position and −100 elsewhere, in the shape of `inputIds`. */
  labels?: Ids | undefined;
}

export interface BertMaskedLMOptions extends BertForwardOptions {
  /**
   * Default true. With `labels`, false computes the head at the labelled positions alone, which
   * gives the same loss at a fraction of the cost.
   */
  outputLogits?: boolean | undefined;
}

export interface BertMaskedLMOutputs {
  /** Mean cross-entropy over the labelled positions, in nats; with `labels`. */
  loss?: tf.Tensor;
  /** [batch, length, vocabSize], before softmax */
  logits?: tf.Tensor;
  /** With `ragged`: how many positions of `logits` belong to each row, in order. */
  sequenceLengths?: number[];
  hiddenStates?: tf.Tensor[];
  attentions?: tf.Tensor[];
}

/** BERT with a head that says which word stands at each position (Devlin et al. 2019, §3.1). */
export class BertForMaskedLM extends PretrainedModel<BertConfig> {
  protected override readonly architecture = 'BertForMaskedLM';
  readonly bert: BertTrunk;
  readonly transform: Linear;
  readonly transformNorm: LayerNorm;
  readonly decoderWeight: Parameter; // [vocabSize, hiddenSize]
  readonly decoderBias: Parameter; // [vocabSize]
  readonly #activation: Activation;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: BertConfig, weights: Weights = new Weights()) {
    super(config, weights);
    const { hiddenSize, vocabSize, layerNormEps, tieWordEmbeddings } = config;
    const initializer = normal(config.initializerRange);
    const head = weights.at('cls', 'predictions');
    this.bert = new BertTrunk(weights.at('bert'), config, { addPoolingLayer: false });
    this.transform = new Linear(head.at('transform', 'dense'), {
      inFeatures: hiddenSize,
      outFeatures: hiddenSize,
      initializer,
    });
    this.transformNorm = new LayerNorm(head.at('transform', 'LayerNorm'), hiddenSize, {
      epsilon: layerNormEps,
    });
    this.decoderWeight = tieWordEmbeddings
      ? this.bert.embeddings.wordEmbeddings.weight
      : head.parameter('decoder.weight', [vocabSize, hiddenSize], initializer, {
          quantizedBy: 'rows',
        });
    this.decoderBias = head.parameter(
      tieWordEmbeddings ? 'bias' : 'decoder.bias',
      [vocabSize],
      zeros,
    );
    this.#activation = activation(config.hiddenAct);
  }

  /**
   * From a folder, URL or hub id in Hugging Face's format, or in Google's (`bert_config.json` and a
   * TensorFlow checkpoint).
   *
   * @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError
   */
  static fromPretrained(
    source: PretrainedSource,
    options: FromPretrainedOptions = {},
  ): Promise<BertForMaskedLM> {
    const recipe = {
      adapt: asHuggingFace,
      config: BertConfig.fromJson,
      keyMap: (config: BertConfig) => maskedLMKeys(config.tieWordEmbeddings),
      build: (config: BertConfig, weights: Weights) => new BertForMaskedLM(config, weights),
    };
    return loadPretrained(source, recipe, options);
  }

  /** @throws ModelError for ids out of range, rows of unequal length unless `ragged`, shapes that do not fit */
  forward(
    inputs: BertMaskedLMInputs,
    options?: BertMaskedLMOptions & { outputLogits?: true | undefined },
  ): ModelOutput<BertMaskedLMOutputs & { logits: tf.Tensor }>;
  forward(
    inputs: BertMaskedLMInputs,
    options?: BertMaskedLMOptions,
  ): ModelOutput<BertMaskedLMOutputs>;
  forward(
    given: BertMaskedLMInputs,
    options: BertMaskedLMOptions = {},
  ): ModelOutput<BertMaskedLMOutputs> {
    const { outputLogits = true, ragged = false } = options;
    if (given.labels == null && !outputLogits) {
      throw new ModelError(
        'BAD_INPUT',
        'outputLogits: false leaves only the loss, which needs labels.',
      );
    }
    return modelOutput(() => {
      const inputs: PackedInputs = ragged ? packInputs(given, this.config) : given;
      const { lastHiddenState, ...rest } = this.bert.encode(inputs, options);
      const [batch, length, size] = lastHiddenState.shape as [number, number, number];
      const rows = tf.reshape(lastHiddenState, [batch * length, size]);

      const truth =
        inputs.labels == null ? undefined : this.#labels(inputs.labels, [batch, length]);
      if (!outputLogits && truth) return { loss: this.#lossAtLabels(rows, truth), ...rest };
      const flat = this.#predict(rows); // [batch·length, vocabSize]
      const logits = tf.reshape(flat, [batch, length, this.config.vocabSize]);
      return { ...(truth && { loss: crossEntropy(flat, truth) }), logits, ...rest };
    });
  }

  /** The head: rows [n, hiddenSize] → logits [n, vocabSize]. */
  #predict(rows: tf.Tensor): tf.Tensor {
    return linear(this.#transform(rows), this.decoderWeight, this.decoderBias);
  }

  /** The head up to its decoder: [n, hiddenSize] → [n, hiddenSize]. */
  #transform(rows: tf.Tensor): tf.Tensor {
    return this.transformNorm.forward(this.#activation(this.transform.forward(rows)));
  }

  #labels(labels: Ids, shape: [number, number]): tf.Tensor {
    const end = this.config.vocabSize;
    const checked = idsToTensor(labels, 'labels', { end, ignoreIndex: IGNORED, shape });
    return tf.reshape(checked, [checked.size]);
  }

  #lossAtLabels(rows: tf.Tensor, labels: tf.Tensor): tf.Tensor {
    const values = labels.dataSync();
    const places = Array.from(values.keys()).filter((i) => values[i] !== IGNORED);
    const at = tf.tensor1d(places, 'int32');
    const transformed = this.#transform(embedding(rows, at));
    const truth = tf.gather(labels, at);
    return linearCrossEntropy(transformed, this.decoderWeight, this.decoderBias, truth);
  }
}
