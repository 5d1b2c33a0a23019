// What the page and the worker that holds the model say to each other.
import type { Failure } from '../failure.js';
import type { ModelFacts } from '../model-facts.js';

/** How many tokens are taken in at once. */
export const SEGMENT = 32;
/** How many tokens of the segments before are remembered: the stops of the slider. */
export const MEMORIES = [0, 8, 16, 32, 64, 128, 256, 512] as const;
/** How many tokens each token sees in the race. */
export const ATTENTIONS = [16, 32, 64, 128, 256, 512] as const;
/** Of longer texts only the beginning is read. */
export const MOST_TOKENS = 1500;

export type Request =
  /** Load the model in this folder. */
  | { type: 'load'; url: string }
  /** Read this text with every length of memory, with none and this one first, in place of the last text. */
  | { type: 'read'; reading: number; text: string; memory: number }
  /** Tell what the tokens of a segment of that text look at. */
  | { type: 'look'; reading: number; memory: number; segment: number }
  /** Read it with memory and with a sliding window, in turns. */
  | { type: 'race'; reading: number; attention: number }
  | { type: 'stop' };

export type Reply =
  | { type: 'progress'; loaded: number; total: number | undefined }
  | { type: 'ready'; model: MemoryFacts }
  | { type: 'cut'; reading: number; text: TokenText }
  | { type: 'measured'; reading: number; memory: number; bits: Float32Array; milliseconds: number }
  | { type: 'looked'; reading: number; view: View }
  | { type: 'raced'; reading: number; race: Race }
  /** What was asked for could not be done. */
  | ({ type: 'failed'; during: Request['type']; reading?: number } & Failure);

export interface MemoryFacts extends ModelFacts {
  /** How many tokens it remembered in training. */
  trainedMemory: number;
}

/** A text as the model reads it. */
export interface TokenText {
  tokens: Token[];
  /** What stands for the beginning of the text, which the model reads before its first token. */
  start: string;
  /** How many tokens were left out because the text is too long. */
  dropped: number;
  /** How many of the tokens are words that the vocabulary lacks. */
  unknown: number;
}

export interface Token {
  id: number;
  /** Its part of the text, with the space before it. */
  text: string;
  /** As the vocabulary spells it. */
  name: string;
  /** The vocabulary lacks it. */
  unknown: boolean;
}

/** What the tokens of one segment look at. */
export interface View {
  memory: number;
  segment: number;
  /** How many tokens are remembered, at most `memory`. */
  remembered: number;
  /** How many tokens the segment has. */
  length: number;
  layers: number;
  heads: number;
  /** [layers, heads, length, remembered + length]: how much each token (row) takes from each (column). */
  weights: Float32Array<ArrayBuffer>;
}

/** How a race stands. */
export interface Race {
  /** How many tokens each token sees. */
  attention: number;
  /** How many tokens both have to foretell. */
  tokens: number;
  memory: Runner;
  window: Runner;
  state: 'running' | 'finished' | 'stopped';
}

export interface Runner {
  /** How many of the tokens it has foretold. */
  done: number;
  /** The sum of their losses, in nats. */
  nats: number;
  /** How many it has foretold with those of further rounds, and how long that took. */
  measured: number;
  milliseconds: number;
}
