import {
  type CausalModel,
  type CausalStateOptions,
  type CausalStepOptions,
  type CausalStepOutputs,
  crossEntropy,
  type Ids,
  idsToTensor,
  linear,
  linearCrossEntropy,
  ModelError,
  type ModelOutput,
  modelOutput,
  normal,
  type Parameter,
  PretrainedModel,
  type SpecialTokens,
  Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { GPTConfig } from './config.js';
import type { GPTForwardOptions, GPTInputs } from './inputs.js';
import { GPTState } from './state.js';
import { GPTTrunk } from './trunk.js';

export interface LMHeadInputs extends GPTInputs {
  /**
   * The text itself, in the shape of `inputIds` (what each position is, not what follows it: the model
   * shifts), with −100 where the loss looks away.
   */
  labels?: Ids | undefined;
}

export interface LMHeadOptions extends GPTForwardOptions {
  /** Default true. With `labels`, false gives the loss alone, at less cost in time and memory. */
  outputLogits?: boolean | undefined;
}

export interface LMHeadOutputs {
  /** Mean cross-entropy over the labelled positions, in nats; with `labels`. */
  loss?: tf.Tensor;
  /** Of the token that follows each position: [batch, length, vocabSize], before softmax. */
  logits?: tf.Tensor;
  hiddenStates?: tf.Tensor[];
  attentions?: tf.Tensor[];
}

/** A GPT with a head that says which token comes next (Radford et al. 2018, §3.1). */
export abstract class LMHeadModel<Config extends GPTConfig>
  extends PretrainedModel<Config>
  implements CausalModel<GPTState>
{
  readonly transformer: GPTTrunk;
  readonly headWeight: Parameter; // [vocabSize, nEmbd]

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: Config, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new GPTTrunk(weights.at('transformer'), config);
    this.headWeight = headWeight(weights, config, this.transformer);
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  get contextLength(): number {
    return this.config.nPositions;
  }

  get specialTokens(): SpecialTokens {
    return this.config.specialTokens;
  }

  /** @throws ModelError for ids out of range, ragged rows, shapes that do not fit, too many tokens */
  forward(
    inputs: LMHeadInputs,
    options?: LMHeadOptions & { outputLogits?: true | undefined },
  ): ModelOutput<LMHeadOutputs & { logits: tf.Tensor }>;
  forward(inputs: LMHeadInputs, options?: LMHeadOptions): ModelOutput<LMHeadOutputs>;
  forward(inputs: LMHeadInputs, options: LMHeadOptions = {}): ModelOutput<LMHeadOutputs> {
    const { outputLogits = true } = options;
    const labels = inputs.labels ?? undefined;
    if (labels === undefined && !outputLogits) {
      throw new ModelError(
        'BAD_INPUT',
        'outputLogits: false leaves only the loss, which needs labels.',
      );
    }
    return modelOutput(() => {
      const { lastHiddenState, ...rest } = this.transformer.encode(inputs, options);
      const [batch, length, size] = lastHiddenState.shape as [number, number, number];
      const rows = tf.reshape(lastHiddenState, [batch * length, size]);
      const truth = labels && nextLabels(labels, [batch, length], this.vocabSize);
      if (!outputLogits && truth) {
        return { loss: linearCrossEntropy(rows, this.headWeight, undefined, truth), ...rest };
      }
      const flat = linear(rows, this.headWeight); // [batch·length, vocabSize]
      const logits = tf.reshape(flat, [batch, length, this.vocabSize]);
      return { ...(truth && { loss: crossEntropy(flat, truth) }), logits, ...rest };
    });
  }

  createState(options: CausalStateOptions): GPTState {
    return new GPTState(this.config, options);
  }

  step(
    ids: Ids,
    state: GPTState,
    { allLogits = false, ...wanted }: CausalStepOptions = {},
  ): ModelOutput<CausalStepOutputs> {
    return modelOutput(() => {
      const inputs = { inputIds: ids, pastKeyValues: state };
      const { lastHiddenState, ...rest } = this.transformer.encode(inputs, wanted);
      const [batch, length, size] = lastHiddenState.shape as [number, number, number];
      const last = () =>
        tf.reshape(tf.slice(lastHiddenState, [0, length - 1, 0], [batch, 1, size]), [batch, size]);
      return { logits: linear(allLogits ? lastHiddenState : last(), this.headWeight), ...rest };
    });
  }
}

/** `lm_head.weight`, or the word embedding it is tied to. */
export function headWeight(weights: Weights, config: GPTConfig, trunk: GPTTrunk): Parameter {
  const { vocabSize, nEmbd, tieWordEmbeddings, initializerRange } = config;
  if (tieWordEmbeddings) return trunk.tokens.weight;
  const initializer = normal(initializerRange);
  return weights.parameter('lm_head.weight', [vocabSize, nEmbd], initializer, {
    quantizedBy: 'rows',
  });
}

/** Each position's label is the next position's: [batch·length], −100 at the end of each text. */
export function nextLabels(labels: Ids, shape: [number, number], vocabSize: number): tf.Tensor {
  return tf.tidy(() => {
    const checked = idsToTensor(labels, 'labels', { end: vocabSize, ignoreIndex: -100, shape });
    const next = Int32Array.from(checked.dataSync());
    const [batch, length] = shape;
    next.copyWithin(0, 1);
    for (let row = 1; row <= batch; row++) next[row * length - 1] = -100;
    return tf.tensor1d(next, 'int32');
  });
}
