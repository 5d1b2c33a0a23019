// What the page and the worker that holds the tokenizers say to each other.
import type { Failure } from '../failure.js';

export type Request =
  /** Load the tokenizers that the site has. */
  | { type: 'load'; tokenizers: { id: string; url: string; files: readonly string[] }[] }
  /** Make a tokenizer of the visitor's files, by the names that a tokenizer's files have. */
  | { type: 'open'; id: string; files: Record<string, Uint8Array> }
  | { type: 'close'; id: string }
  /** Cut this text with all of them. */
  | { type: 'cut'; text: string };

export type Reply =
  | { type: 'ready'; facts: Facts[] }
  | { type: 'opened'; facts: Facts }
  | { type: 'cut'; result: Result }
  /** What was asked for could not be done; `id` is that of the tokenizer that would not open. */
  | ({ type: 'failed'; during: Request['type']; id?: string } & Failure);

/** What there is to know of a tokenizer. */
export interface Facts {
  id: string;
  /** How it cuts: 'WordPiece', 'BPE', 'WordLevel'. */
  method: string;
  vocabSize: number;
}

/** A text and what each tokenizer makes of it. */
export interface Result {
  text: string;
  /** Its length in code points … */
  characters: number;
  /** … and in bytes of UTF-8. */
  bytes: number;
  /** How much of the text is shown, in UTF-16 units from its beginning. */
  shown: number;
  cuts: Cut[];
}

/** What one tokenizer makes of the text. */
export type Cut = Done | { id: string; failure: Failure };

export interface Done {
  id: string;
  failure?: undefined;
  /** The tokens of what is shown. */
  tokens: Token[];
  /** Of the whole text: all tokens, … */
  count: number;
  /** … those put around the text, … */
  frame: number;
  /** … and those that stand for what the vocabulary cannot write. */
  unknown: number;
  back: Back;
  /** How long it took to cut the whole text. */
  milliseconds: number;
}

export interface Token {
  id: number;
  /** As the vocabulary spells it. */
  piece: string;
  /** Its place in the text, in UTF-16 units: `text.slice(start, end)`. */
  start: number;
  end: number;
  /** Which word of the text it is of; null for those put around it. */
  word: number | null;
  /**
   * 'frame': put around the text; 'special': has a meaning of its own and was written in the text;
   * 'unknown': stands for what the vocabulary cannot write.
   */
  kind: 'text' | 'frame' | 'special' | 'unknown';
  /** The bytes that a piece of byte-level BPE stands for, where they are not plain letters. */
  bytes?: number[];
}

/** What the ids give when they are decoded. */
export interface Back {
  /** Whether the whole text comes back as it was. */
  same: boolean;
  /** If not, what becomes of the part that is shown; undefined where too much changes to list it. */
  changes?: Change[] | undefined;
  /** The decoded text of the part that is shown. */
  decoded: string;
}

export interface Change {
  kind: 'same' | 'lost' | 'new';
  text: string;
}
