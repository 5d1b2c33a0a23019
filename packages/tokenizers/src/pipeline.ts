// The parts a tokenizer is made of, as in Hugging Face's `tokenizer.json`.
import type { AddedToken } from './added-tokens.js';
import type { AlignedText } from './aligned-text.js';
import type { EncodeDefaults } from './encode-options.js';
import type { Segment, TextOf } from './segments.js';

export type Json = Readonly<Record<string, unknown>>;

/** Any part: made of what `tokenizer.json` says of it, which it keeps, the defaults filled in. */
export interface Component {
  readonly json: object;
}

/** Changes a text before it is cut up: lower case, accents, … */
export interface Normalizer extends Component {
  normalize(text: AlignedText): AlignedText;
}

/** Cuts a text into the words that the model gets to see. */
export interface PreTokenizer extends Component {
  split(pieces: AlignedText[]): AlignedText[];
}

/** Takes a token: positions in the word's UTF-16 units. */
export type Emit = (id: number, start: number, end: number) => void;

/** Cuts a word into tokens. Its `json` is without the vocabulary and the merges. */
export interface Model extends Component {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges?: readonly (readonly [left: string, right: string])[];
  /** Whether the same word can give other tokens the next time. */
  readonly isRandom?: boolean;
  tokenize(word: string, emit: Emit): void;
}

/** Puts special tokens around one sequence or two. */
export interface PostProcessor extends Component {
  process(sequences: Segment[], addSpecialTokens: boolean, textOf: TextOf): Segment[];
}

/** Makes text of tokens; the results of the last decoder are joined. */
export interface Decoder extends Component {
  decode(tokens: string[]): string[];
}

/**
 * Where the chunk of `text[at…to)` that begins at `at` ends. Chunks are parts that the pipeline cuts
 * into the same tokens each by itself: a family that knows such places lets `encode` look them up.
 */
export type ChunkEnd = (text: string, at: number, to: number) => number;

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
  chunkEnd?: ChunkEnd | undefined;
  /** What `encode` does when its options don't say, as in the `tokenizer.json` it came from. */
  defaults?: EncodeDefaults;
  specialTokens?: SpecialTokens;
  /** `tokenizer_config.json` as it was read: what is not known of it is kept. */
  config?: Json | undefined;
  /** The length that the model takes, for `truncation` and `padding: 'max_length'` without a `maxLength`. */
  modelMaxLength?: number | undefined;
}
