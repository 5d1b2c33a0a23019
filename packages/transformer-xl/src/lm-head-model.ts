import {
  AdaptiveSoftmax,
  type CausalModel,
  type CausalStepOptions,
  type CausalStepOutputs,
  type FromPretrainedOptions,
  type Ids,
  idsToTensor,
  LogUniformSampler,
  loadPretrained,
  ModelError,
  type ModelOutput,
  modelOutput,
  PretrainedModel,
  type PretrainedSource,
  type SpecialTokens,
  Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { headKeys } from './checkpoint-keys.js';
import { TransfoXLConfig } from './config.js';
import type { TransfoXLForwardOptions, TransfoXLInputs } from './inputs.js';
import { asHuggingFace } from './layouts.js';
import { emptyMemories } from './memories.js';
import { TransfoXLState, type TransfoXLStateOptions } from './state.js';
import { adaptiveOptions, TransfoXLTrunk } from './trunk.js';

export interface LMHeadInputs extends TransfoXLInputs {
  /**
   * The text itself, in the shape of `inputIds` (what each position is, not what follows it: the model
   * shifts), with −100 where the loss looks away. What follows the segment's last token stays open.
   */
  labels?: Ids | undefined;
  /**
   * In place of `labels`, what follows each of the last positions, [batch, up to length], with −100 where
   * the loss looks away: the text one token on, so that the next segment's first token is foretold too.
   * Fewer than `length` leave the first ones out, as they were the end of the segment before (`extLen`).
   */
  targets?: Ids | undefined;
}

export interface LMHeadOptions extends TransfoXLForwardOptions {
  /** Default true. With labels or targets, false gives the mean loss, at less cost. */
  outputLogits?: boolean | undefined;
  /** With labels or targets, the loss of each. Default `outputLogits`. */
  outputLosses?: boolean | undefined;
}

export interface LMHeadOutputs {
  /**
   * Mean of `losses` over the labelled positions, in nats; with `labels` or `targets`. Given a `random`, and
   * with `sampleSoftmax` in the configuration, both are of words that are drawn (`sampledCrossEntropy`).
   */
  loss?: tf.Tensor;
  /**
   * −log-probability of each label, 0 where the loss looks away: [batch, length − 1] of the second token
   * and on with `labels`, the shape of `targets` with those.
   */
  losses?: tf.Tensor;
  /**
   * Log-probabilities of the token that follows each position, [batch, length, vocabSize]: what Hugging
   * Face's library calls both `logits` and `prediction_scores`.
   */
  logits?: tf.Tensor;
  /** What to remember for the next segment; see `TransfoXLTrunkOutputs`. */
  mems?: tf.Tensor[];
  hiddenStates?: tf.Tensor[];
  attentions?: tf.Tensor[];
}

/** Transformer-XL with the adaptive softmax that says which token comes next; what generates. */
export class TransfoXLLMHeadModel
  extends PretrainedModel<TransfoXLConfig>
  implements CausalModel<TransfoXLState>
{
  protected override readonly architecture = 'TransfoXLLMHeadModel';
  readonly transformer: TransfoXLTrunk;
  readonly softmax: AdaptiveSoftmax; // `crit`
  /** Of `sampleSoftmax`. */
  readonly #sampler: LogUniformSampler | undefined;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: TransfoXLConfig, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new TransfoXLTrunk(weights.at('transformer'), config);
    this.softmax = new AdaptiveSoftmax(weights.at('crit'), {
      ...adaptiveOptions(config),
      embedding: this.transformer.embedding,
      tieTables: config.tieWordEmbeddings,
      tieProjections: config.tiedProjections,
    });
    const { vocabSize, sampleSoftmax } = config;
    if (sampleSoftmax > 0) this.#sampler = new LogUniformSampler(vocabSize, sampleSoftmax);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: FromPretrainedOptions = {},
  ): Promise<TransfoXLLMHeadModel> {
    const build = (config: TransfoXLConfig, weights: Weights) =>
      new TransfoXLLMHeadModel(config, weights);
    const recipe = {
      adapt: asHuggingFace,
      config: TransfoXLConfig.fromJson,
      keyMap: headKeys,
      build,
    };
    return loadPretrained(source, recipe, options);
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  /** Nothing limits a text. */
  get contextLength(): undefined {
    return undefined;
  }

  get specialTokens(): SpecialTokens {
    return this.config.specialTokens;
  }

  /** @throws ModelError for ids out of range, ragged rows, shapes and lengths that do not fit */
  forward(
    inputs: LMHeadInputs,
    options?: LMHeadOptions & { outputLogits?: true | undefined },
  ): ModelOutput<LMHeadOutputs & { logits: tf.Tensor }>;
  forward(inputs: LMHeadInputs, options?: LMHeadOptions): ModelOutput<LMHeadOutputs>;
  forward(inputs: LMHeadInputs, options: LMHeadOptions = {}): ModelOutput<LMHeadOutputs> {
    const { outputLogits = true, outputLosses = outputLogits } = options;
    const { labels, targets } = inputs;
    if (labels != null && targets != null) {
      throw new ModelError(
        'BAD_INPUT',
        'Give labels, which the model shifts, or targets, not both.',
      );
    }
    if (labels == null && targets == null && !outputLogits) {
      throw new ModelError(
        'BAD_INPUT',
        'outputLogits: false leaves only the loss, which needs labels or targets.',
      );
    }
    return modelOutput(() => {
      const { lastHiddenState, ...rest } = this.transformer.encode(inputs, options);
      const [batch, length] = lastHiddenState.shape as [number, number];
      const truth = this.#truth(inputs, [batch, length]);
      const rows = truth && columns(lastHiddenState, truth.from, truth.ids.shape[1]!);
      const flat = truth && tf.reshape(truth.ids, [truth.ids.size]);
      const outputs: Partial<LMHeadOutputs> = rest;
      if (outputLogits) {
        const all = this.softmax.logProbabilities(columns(lastHiddenState, 0, length));
        outputs.logits = tf.reshape(all, [batch, length, this.vocabSize]);
      }
      if (!truth) return outputs;
      // In training alone, for which there is a generator.
      const drawn = options.random && this.#sampler?.sample(options.random);
      if (!drawn && !outputLosses) return { loss: this.softmax.loss(rows!, flat!), ...outputs };
      const each = drawn
        ? this.softmax.sampledLosses(rows!, flat!, drawn)
        : this.softmax.losses(rows!, flat!);
      const losses = tf.reshape(each, truth.ids.shape);
      return { loss: meanOf(losses, flat!), ...(outputLosses && { losses }), ...outputs };
    });
  }

  /** Memories to begin with: `length` tokens of zeros. The caller owns them. */
  initMems(batch: number, length: number = this.config.memLen): tf.Tensor[] {
    return emptyMemories(this.config, batch, length);
  }

  createState(options: TransfoXLStateOptions): TransfoXLState {
    return new TransfoXLState(this.config, options);
  }

  /** Nothing is left out of the memory (`extLen`), for no token comes twice. */
  step(
    ids: Ids,
    state: TransfoXLState,
    { allLogits = false, ...wanted }: CausalStepOptions = {},
  ): ModelOutput<CausalStepOutputs> {
    const held = state.caches[0]?.length ?? 0;
    const run = () => {
      const inputIds = idsToTensor(ids, 'ids', { end: this.vocabSize });
      const [batch, length] = inputIds.shape as [number, number];
      state.expectRoom(batch, length);
      const padding = state.paddingOf(length);
      const attentionMask = padding.some((n) => n > 0)
        ? padding.map((n) => Array.from({ length }, (_, i) => Number(i >= n)))
        : undefined;
      const inputs = { inputIds, attentionMask, mems: state.mems };
      const options = { ...wanted, extLen: 0 };
      const outputs = this.transformer.encode(inputs, options, state);
      const { lastHiddenState, mems, ...rest } = outputs;
      const from = allLogits ? 0 : length - 1;
      const flat = this.softmax.logProbabilities(columns(lastHiddenState, from, length - from));
      const shape = allLogits ? [batch, length, this.vocabSize] : [batch, this.vocabSize];
      const logits = tf.reshape(flat, shape);
      state.advance(length, mems);
      return { logits, ...rest };
    };
    try {
      return modelOutput(run);
    } catch (error) {
      for (const cache of state.caches) cache.truncate(held); // as it was, in every layer
      throw error;
    }
  }

  /** What is foretold, and by which position first. */
  #truth({ labels, targets }: LMHeadInputs, [batch, length]: [number, number]) {
    const allowed = { end: this.vocabSize, ignoreIndex: -100 };
    if (labels != null) {
      const shape = [batch, length];
      const ids = idsToTensor(labels, 'labels', { ...allowed, shape });
      return { ids: tf.slice(ids, [0, 1], [batch, length - 1]), from: 0 };
    }
    if (targets == null) return undefined;
    const ids = idsToTensor(targets, 'targets', allowed);
    const [rows, count] = ids.shape as [number, number];
    if (rows === batch && count <= length) return { ids, from: length - count };
    throw new ModelError(
      'WRONG_SHAPE',
      `targets are [${ids.shape}]; for a segment [${batch},${length}] they are [${batch}, up to ${length}].`,
    );
  }
}

/** Of x [batch, length, d] the positions from here on, as rows [batch·count, d]. */
function columns(x: tf.Tensor, from: number, count: number): tf.Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const part = count === length ? x : tf.slice(x, [0, from, 0], [batch, count, width]);
  return tf.reshape(part, [batch * count, width]);
}

/** NaN where nothing is labelled, as elsewhere. */
function meanOf(losses: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  const counted = labels.dataSync().filter((label) => label !== -100).length;
  return tf.div(tf.sum(losses), counted);
}
