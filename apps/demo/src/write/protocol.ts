// What the page and the worker that holds the model say to each other.
import type { FinishReason } from '@multihead/generation';
import type { Attention } from '../attention/attention.js';
import type { Failure } from '../failure.js';
import type { ModelFacts } from '../model-facts.js';

export type Request =
  /** Load the model in this folder. */
  | { type: 'load'; url: string }
  /** Tell how many tokens this text is. */
  | { type: 'count'; text: string }
  /** Go on from here, in place of what is being written. */
  | { type: 'write'; run: number; beginning: Beginning; settings: Settings }
  | { type: 'stop' };

export type Reply =
  | { type: 'progress'; loaded: number; total: number | undefined }
  | { type: 'ready'; model: WriterFacts }
  | { type: 'counted'; text: string; count: number }
  | { type: 'began'; run: number; tokens: Token[]; seed: number }
  | { type: 'wrote'; run: number; step: Step }
  | { type: 'ended'; run: number; reason: EndReason; view: View }
  /** What was asked for could not be done. */
  | ({ type: 'failed'; during: Request['type']; run?: number } & Failure);

export interface WriterFacts extends ModelFacts {
  /** How many tokens it reads at most. */
  contextLength: number;
}

/** A text, or the tokens of one that was begun. */
export type Beginning = { text: string } | { ids: number[] };

export interface Settings {
  /** 0: always the most probable token. */
  temperature: number;
  /** How many tokens to draw among; 0: all. */
  topK: number;
  /** Draw among the most probable that together have this probability; 1: all. */
  topP: number;
  /** How many tokens to write. */
  length: number;
  onContextFull: 'stop' | 'slide';
  /** Undefined: another one each time. */
  seed: number | undefined;
  /** Tokens a second at most; undefined: as many as it can. */
  pace: number | undefined;
}

export interface Token {
  id: number;
  /** What it adds to the text: nothing if it is the beginning of a character, or special. */
  text: string;
  /** What it is called where it stands alone. */
  name: string;
  /** Has a meaning of its own: a text begins or ends. */
  special: boolean;
  /** How it was chosen; not of a token that was given. */
  choice?: Choice | undefined;
}

export interface Choice {
  /** To the model, 0…1. */
  probability: number;
  /** With what temperature, top-k and top-p made of that, 0…1. */
  chance: number;
  /** 1: the most probable. */
  rank: number;
  /** The most probable tokens, most probable first. */
  candidates: Candidate[];
  /** The visitor chose it. */
  picked?: boolean;
}

export interface Candidate {
  id: number;
  name: string;
  probability: number;
  chance: number;
}

/** A token as it is written. */
export interface Step {
  token: Token;
  /** The model saw the text from this token on. */
  from: number;
  /** How long it took to read the beginning and choose the first token. */
  firstMilliseconds: number;
  /** Tokens a second after the first, pauses left out; undefined before there are two. */
  speed: number | undefined;
}

export type EndReason = FinishReason | 'stopped';

/** What each token looks at, of the part of the text that the model sees. */
export interface View {
  /** Where that part begins. */
  from: number;
  attention: Attention;
}
