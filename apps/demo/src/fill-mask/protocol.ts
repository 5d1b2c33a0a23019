// What the page and the worker that holds the model say to each other.
import type { Attention } from '../attention/attention.js';
import type { ModelFacts } from '../model-facts.js';

export type Request =
  /** Load the model in this folder. */
  | { type: 'load'; url: string }
  /** Guess the blanks of this text. */
  | { type: 'analyze'; text: string };

export type Reply =
  | { type: 'progress'; loaded: number; total: number | undefined }
  | { type: 'ready'; model: ModelFacts }
  | { type: 'analyzed'; analysis: Analysis }
  /** What was asked for could not be done; `code` is the error's own, where it has one. */
  | { type: 'failed'; during: Request['type']; code: string; message: string };

export interface Token {
  /** As the vocabulary spells it. */
  text: string;
  /** Its place in the text: `text.slice(start, end)`. */
  start: number;
  end: number;
  /** Which word of the text it is of; null for [CLS] and [SEP], which frame the text. */
  word: number | null;
}

export interface Candidate {
  token: string;
  /** 0…1 */
  probability: number;
}

export interface Blank {
  /** Index of the [MASK] among the tokens. */
  position: number;
  /** Likeliest first. */
  candidates: Candidate[];
}

export interface Analysis {
  text: string;
  tokens: Token[];
  /** How many tokens of the text were left out because it is too long. */
  dropped: number;
  blanks: Blank[];
  attention: Attention;
  /** How long the model took. */
  milliseconds: number;
}
