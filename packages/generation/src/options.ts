import type { LogitsProcessor } from './logits-processors.js';

/** What generation asks of a tokenizer; `@multihead/tokenizers` has it. */
export interface TextDecoder {
  decode(ids: Iterable<number>, options?: { skipSpecialTokens?: boolean }): string;
  decodeStream(options?: { skipSpecialTokens?: boolean }): {
    push(id: number): string;
    end(): string;
  };
}

/**
 * Hugging Face's names and meanings, in camelCase. An option that would have no effect beside the others
 * is refused, not ignored.
 */
export interface GenerationConfig {
  /** Tokens to generate at most; default 20. */
  maxNewTokens?: number | undefined;
  /** Tokens of a row at most, prompt and padding included; in place of `maxNewTokens`. */
  maxLength?: number | undefined;
  /** No end token comes before so many new tokens. */
  minNewTokens?: number | undefined;
  /** The same, prompt and padding included. */
  minLength?: number | undefined;
  /** Each of them ends a text and is its last token; default the model's, none: `[]`. */
  eosTokenId?: number | readonly number[] | undefined;
  /** Fills prompts up to one length; default the model's, or its first end token. */
  padTokenId?: number | undefined;
  /** What an empty prompt is; default the model's. */
  bosTokenId?: number | undefined;
  /** A text ends with the token that completes one of these; needs `tokenizer`. */
  stopStrings?: string | readonly string[] | undefined;

  /** Draw tokens by their probabilities; false (default): take the most probable one. */
  doSample?: boolean | undefined;
  /** Default 1. */
  temperature?: number | undefined;
  /** Default 50 where tokens are drawn, as in the reference; 0: all. */
  topK?: number | undefined;
  /** Default 1: all. */
  topP?: number | undefined;
  minP?: number | undefined;
  /** Default 1: all. */
  typicalP?: number | undefined;
  topH?: number | undefined;
  epsilonCutoff?: number | undefined;
  etaCutoff?: number | undefined;

  /** Default 1: none; above it, tokens that came before get less probable. */
  repetitionPenalty?: number | undefined;
  /** No so many tokens in a row come twice; default 0: any may. */
  noRepeatNgramSize?: number | undefined;
  /** Sequences of tokens that never come. */
  badWordsIds?: readonly (readonly number[])[] | undefined;
  /** What to add to the score of the token that completes a sequence. */
  sequenceBias?: readonly (readonly [ids: readonly number[], bias: number])[] | undefined;
  /** The first new token, after a prompt of one token. */
  forcedBosTokenId?: number | undefined;
  /** The last token where the greatest length is reached: one of these. */
  forcedEosTokenId?: number | readonly number[] | undefined;
  /** Tokens that never come. */
  suppressTokens?: readonly number[] | undefined;
  /** Tokens that do not come first. */
  beginSuppressTokens?: readonly number[] | undefined;
  /** After `start` new tokens, end tokens get more probable by `factor` with each one. */
  exponentialDecayLengthPenalty?: readonly [start: number, factor: number] | undefined;
  /** NaN and infinite logits are made finite, in place of an error. */
  removeInvalidValues?: boolean | undefined;
  /** Scores are logarithms of probabilities again after all other changes. */
  renormalizeLogits?: boolean | undefined;

  /** Texts to keep in view at a time; default 1: no beam search. */
  numBeams?: number | undefined;
  /** A beam's score is its log-probability / length^lengthPenalty; default 1. */
  lengthPenalty?: number | undefined;
  /**
   * When a beam search has enough: true, with `numBeams` finished texts; false (default), when a better
   * one is unlikely; `'never'`, when there can be no better one.
   */
  earlyStopping?: boolean | 'never' | undefined;
  /** Groups of beams that keep apart (Vijayakumar et al. 2018); default 1. */
  numBeamGroups?: number | undefined;
  /** What a token costs a group for each beam of the groups before it that chose it at this step. */
  diversityPenalty?: number | undefined;
  /**
   * Contrastive search (Su et al. 2022, eq. 5): how much it counts against one of the `topK` candidates
   * to be like what came before, from 0 to 1.
   */
  penaltyAlpha?: number | undefined;

  /** Texts for each prompt; default 1. */
  numReturnSequences?: number | undefined;
  /** Give `scores`. */
  outputScores?: boolean | undefined;
  /** Give `logits`. */
  outputLogits?: boolean | undefined;
}

export interface GenerateOptions extends GenerationConfig {
  /** Defaults, as `readGenerationConfig` gives them; options beside it go before. */
  generationConfig?: GenerationConfig | undefined;
  /** The same seed gives the same texts; default another one each time, which the output tells. */
  seed?: number | undefined;
  /** Give `logProbabilities`. */
  outputLogProbabilities?: boolean | undefined;
  /**
   * What to do when a row has as many tokens as the model's context: `'stop'` (default) ends the row,
   * `'error'` throws, `'slide'` forgets the older half and goes on. Sliding reads the newer half again,
   * since positions change: each time a prefill of half a context, so on average one more token read
   * for each one generated.
   */
  onContextFull?: 'stop' | 'slide' | 'error' | undefined;
  /** Makes text: for `stopStrings`, and for the text of a stream. */
  tokenizer?: TextDecoder | undefined;
  /** Leave special tokens out of a stream's text; default true. */
  skipSpecialTokens?: boolean | undefined;
  /** More changes to the scores, made after the built-in ones and before those of sampling. */
  logitsProcessors?: readonly LogitsProcessor[] | undefined;
  /** Ends generation with the error `ABORTED`, and frees what it holds even while a stream pauses. */
  signal?: AbortSignal | undefined;
}
