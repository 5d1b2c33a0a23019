// The parts a tokenizer is made of, as in Hugging Face's `tokenizer.json`.
import type { AlignedText } from './aligned-text.js';
import type { Rows } from './encoding.js';

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
  /** The rows that, joined, are the result. */
  process(sequences: Rows[], addSpecialTokens: boolean): Rows[];
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

/** Where tokens are collected: parallel arrays that grow. */
export class TokenSink {
  ids: Int32Array = new Int32Array(256);
  starts: Int32Array = new Int32Array(256);
  ends: Int32Array = new Int32Array(256);
  words: Int32Array = new Int32Array(256);
  length = 0;
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
