// The parts a tokenizer is made of, as in Hugging Face's `tokenizer.json`.
import type { AddedToken } from './added-tokens.js';
import type { AlignedText } from './aligned-text.js';
import type { PaddingSettings, TruncationSettings } from './encode-options.js';
import type { Rows } from './encoding.js';

export type Json = Readonly<Record<string, unknown>>;

/** Changes a text before it is cut up: lower case, accents, … */
export interface Normalizer {
  normalize(text: AlignedText): AlignedText;
  toJSON(): object;
}

/** Cuts a text into the words that the model gets to see. */
export interface PreTokenizer {
  split(pieces: AlignedText[]): AlignedText[];
  toJSON(): object;
}

/** Cuts a word into tokens: `emit(id, start, end)`, positions in the word's UTF-16 units. */
export interface Model {
  readonly vocab: ReadonlyMap<string, number>;
  tokenize(word: string, emit: (id: number, start: number, end: number) => void): void;
  toJSON(): object;
}

/** Puts special tokens around one sequence or two. */
export interface PostProcessor {
  /** How many tokens it adds. */
  addedTokens(isPair: boolean): number;
  /** The rows that, joined, are the result; `textOf` gives a token's text. */
  process(
    sequences: Rows[],
    addSpecialTokens: boolean,
    textOf: (id: number) => string | undefined,
  ): Rows[];
  toJSON(): object;
}

/** Makes text of tokens; the results of the last decoder are joined. */
export interface Decoder {
  decode(tokens: string[]): string[];
  toJSON(): object;
}

/**
 * The same result as normalizer, pre-tokenizer and model one after the other, faster: what `encode`
 * uses where a family has one.
 */
export interface FastPath {
  /** Appends the tokens of `text[from…to)` to `out`, with offsets in `text`. */
  encode(text: string, from: number, to: number, out: TokenSink): void;
}

/** The tokens that have a role. */
export interface SpecialTokens {
  unkToken?: string | undefined;
  sepToken?: string | undefined;
  padToken?: string | undefined;
  clsToken?: string | undefined;
  maskToken?: string | undefined;
  bosToken?: string | undefined;
  eosToken?: string | undefined;
}

export interface TokenizerParts {
  model: Model;
  normalizer?: Normalizer | undefined;
  preTokenizer?: PreTokenizer | undefined;
  postProcessor?: PostProcessor | undefined;
  decoder?: Decoder | undefined;
  addedTokens?: Iterable<AddedToken>;
  fastPath?: FastPath | undefined;
  /** What `encode` does when its options don't say, as in the `tokenizer.json` it came from. */
  truncation?: TruncationSettings | undefined;
  padding?: PaddingSettings | undefined;
  specialTokens?: SpecialTokens;
  /** `tokenizer_config.json` as it was read: what is not known of it is kept. */
  config?: Json | undefined;
  /** The length that the model takes, for `truncation` and `padding: 'max_length'` without a `maxLength`. */
  modelMaxLength?: number | undefined;
}

/** Where tokens are collected: parallel arrays that grow. */
export class TokenSink {
  ids: Int32Array = new Int32Array(256);
  starts: Int32Array = new Int32Array(256);
  ends: Int32Array = new Int32Array(256);
  words: Int32Array = new Int32Array(256);
  length = 0;
  /** Whether `append` may leave out all but the ids. */
  idsOnly = false;
  /** The number of words so far: the index of the next one. */
  wordCount = 0;
  /** The text of tokens that the id does not tell: what an added token was found as. */
  texts: Map<number, string> | undefined;

  push(id: number, start: number, end: number, word: number): void {
    const at = this.length;
    if (at === this.ids.length) this.reserve(1);
    this.ids[at] = id;
    this.starts[at] = start;
    this.ends[at] = end;
    this.words[at] = word;
    this.length = at + 1;
  }

  /**
   * Appends tokens from `list`, where `count` ids are followed by their starts, ends and words,
   * relative to `place` and to the next word, of which there are `wordCount`.
   */
  append(list: Int32Array, from: number, count: number, wordCount: number, place: number): void {
    this.reserve(count);
    const at = this.length;
    const { ids } = this;
    for (let i = 0; i < count; i++) ids[at + i] = list[from + i]!;
    if (!this.idsOnly) {
      const { starts, ends, words } = this;
      const word = this.wordCount;
      for (let i = 0; i < count; i++) {
        starts[at + i] = place + list[from + count + i]!;
        ends[at + i] = place + list[from + 2 * count + i]!;
        words[at + i] = word + list[from + 3 * count + i]!;
      }
    }
    this.wordCount += wordCount;
    this.length = at + count;
  }

  /** Makes room for `count` more tokens. */
  reserve(count: number): void {
    if (this.length + count <= this.ids.length) return;
    const size = Math.max(this.ids.length * 2, this.length + count);
    const grown = (list: Int32Array) => {
      const larger = new Int32Array(size);
      larger.set(list);
      return larger;
    };
    this.ids = grown(this.ids);
    this.starts = grown(this.starts);
    this.ends = grown(this.ends);
    this.words = grown(this.words);
  }

  clear(): void {
    this.idsOnly = false;
    this.length = 0;
    this.wordCount = 0;
    this.texts = undefined;
    if (this.ids.length > 1 << 16) {
      this.ids = new Int32Array(256);
      this.starts = new Int32Array(256);
      this.ends = new Int32Array(256);
      this.words = new Int32Array(256);
    }
  }
}
