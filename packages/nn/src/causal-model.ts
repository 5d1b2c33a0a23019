import type { Tensor } from '@tensorflow/tfjs-core';
import type { Ids } from './inputs.js';
import type { Model } from './model.js';
import type { ModelOutput } from './outputs.js';

/**
 * What generation and evaluation know of a causal language model: a step with a state.
 *
 * ```ts
 * using state = model.createState({ batch: 1, capacity: 64 });
 * using prompt = model.step([[464, 3290]], state);  // logits [1, vocabSize] of what comes third
 * using next = model.step([[318]], state);          // costs one token, not three
 * ```
 *
 * A step is for inference: nothing is recorded for gradients and dropout is off. Training has
 * `forward` with `labels`.
 */
export interface CausalModel<State extends CausalState = CausalState> extends Model {
  readonly vocabSize: number;
  /** The most tokens a row can have, padding on the left aside; undefined where nothing limits it. */
  readonly contextLength: number | undefined;
  /** The ids its configuration names. */
  readonly specialTokens: SpecialTokens;

  /**
   * A state that has seen nothing. The caller owns it.
   *
   * @throws ModelError `BAD_INPUT` for a batch, capacity or padding that is no such number
   */
  createState(options: CausalStateOptions): State;

  /**
   * Takes in the next tokens of every row, ids [batch, new], and moves the state on, in place. A step
   * that throws leaves the state as it was. A prompt may come in several steps.
   *
   * @throws ModelError `CONTEXT_EXCEEDED` where the tokens do not fit the context or the state,
   *   `WRONG_SHAPE` for another batch than the state's, `ID_OUT_OF_RANGE`, `BAD_INPUT`
   */
  step(ids: Ids, state: State, options?: CausalStepOptions): ModelOutput<CausalStepOutputs>;
}

/** What a model remembers of the tokens it has seen: a key-value cache, segment memories. */
export interface CausalState {
  readonly batch: number;
  /** Tokens each row has seen, padding included. */
  readonly length: number;
  /** The most tokens it can see; undefined where nothing limits it. */
  readonly capacity: number | undefined;
  /**
   * Makes row `rows[i]` row i. A row may come several times (beams) or not at all (finished texts).
   *
   * @throws ModelError `BAD_INPUT` for no rows, or a row there is none of
   */
  select(rows: ArrayLike<number>): void;
  /**
   * Forgets all but the first `length` tokens. Absent where what was seen cannot be taken back.
   *
   * @throws ModelError `BAD_INPUT` for a length that is not from 0 to `length`
   */
  truncate?(length: number): void;
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface CausalStateOptions {
  /** Rows. */
  batch: number;
  /** How many tokens to make room for, padding included; default the model's context. */
  capacity?: number | undefined;
  /**
   * How many of row i's first tokens are padding, which no other token sees and no position counts;
   * default none. They are part of the ids that `step` takes in.
   */
  leftPadding?: ArrayLike<number> | undefined;
}

export interface CausalStepOptions {
  /** Logits of every new position, not of the last one alone. */
  allLogits?: boolean | undefined;
  /** Give `hiddenStates`: the embeddings and every layer's output. */
  outputHiddenStates?: boolean | undefined;
  /** Give `attentions`: every layer's weights. */
  outputAttentions?: boolean | undefined;
}

export interface CausalStepOutputs {
  /**
   * Of the token that follows: [batch, vocabSize], or with `allLogits` [batch, new, vocabSize]. Softmax
   * makes them probabilities.
   */
  logits: Tensor;
  /** layers + 1 tensors [batch, new, hiddenSize] */
  hiddenStates?: Tensor[];
  /** One tensor [batch, heads, new, seen] a layer */
  attentions?: Tensor[];
}

/** Ids with a meaning of their own; undefined (no stops: empty) where the configuration names none. */
export interface SpecialTokens {
  /** Starts a text: what an empty prompt is. */
  bos: number | undefined;
  /** Each of them ends a text. */
  eos: readonly number[];
  /** Fills rows up to one length. */
  pad: number | undefined;
}

/** Those of a configuration, as far as its vocabulary has them. */
export function specialTokensOf(config: {
  vocabSize: number;
  bosTokenId: number | null;
  eosTokenId: number | readonly number[] | null;
  padTokenId: number | null;
}): SpecialTokens {
  const { vocabSize, bosTokenId: bos, eosTokenId: eos, padTokenId: pad } = config;
  const known = (id: number | null) => id !== null && id >= 0 && id < vocabSize;
  return {
    bos: known(bos) ? bos! : undefined,
    eos: [eos ?? []].flat().filter(known),
    pad: known(pad) ? pad! : undefined,
  };
}
