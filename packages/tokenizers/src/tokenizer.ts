import { type AddedToken, AddedTokens } from './added-tokens.js';
import { AlignedText } from './aligned-text.js';
import { type DecodeStream, decodeStream } from './decode-stream.js';
import { cleanUp } from './decoders.js';
import {
  type EncodeOptions,
  type EncodePlan,
  planEncoding,
  type TextInput,
} from './encode-options.js';
import { type Encoder, encoderOf } from './encoder.js';
import { BatchEncoding, Encoding } from './encoding.js';
import { TokenizerError } from './errors.js';
import { padToFit } from './fit.js';
import type { SpecialTokens, TokenizerParts } from './pipeline.js';
import type { TextOf } from './segments.js';
import { ROLES } from './special-tokens.js';

/** An entry of a batch: a text, or a text with its pair. */
export type BatchInput = TextInput | TextWithPair;

interface TextWithPair {
  text: TextInput;
  pair?: TextInput | undefined;
}

export interface DecodeOptions {
  /** Leave special tokens out (default false). */
  skipSpecialTokens?: boolean;
  /** Take out the spaces before punctuation and English contractions, whatever the decoder did. */
  cleanUpTokenizationSpaces?: boolean;
}

/** Text to ids and back: normalizer, pre-tokenizer, model, post-processor and decoder put together. */
export class Tokenizer {
  readonly parts: Readonly<TokenizerParts>;
  readonly addedTokens: AddedTokens;
  readonly specialTokens: Readonly<SpecialTokens>;
  readonly modelMaxLength: number | undefined;
  /** The class that Hugging Face's files name; a family has its own. */
  readonly className: string | undefined;
  declare readonly unkTokenId: number | undefined;
  declare readonly sepTokenId: number | undefined;
  declare readonly padTokenId: number | undefined;
  declare readonly clsTokenId: number | undefined;
  declare readonly maskTokenId: number | undefined;
  declare readonly bosTokenId: number | undefined;
  declare readonly eosTokenId: number | undefined;
  readonly #encoder: Encoder;
  readonly #textOf: TextOf = (id) => this.idToToken(id);
  #tokens: string[] | undefined;

  static {
    for (const role of ROLES) {
      Object.defineProperty(Tokenizer.prototype, `${role}Id`, {
        get(this: Tokenizer) {
          const token = this.specialTokens[role];
          return token && this.tokenToId(token);
        },
      });
    }
  }

  constructor(parts: TokenizerParts) {
    this.parts = parts;
    const { model, normalizer, specialTokens = {}, modelMaxLength } = parts;
    this.specialTokens = specialTokens;
    this.modelMaxLength = modelMaxLength;
    this.addedTokens = new AddedTokens(
      parts.addedTokens ?? [],
      model.vocab,
      (text) => normalizer?.normalize(AlignedText.of(text)).text ?? text,
    );
    this.#encoder = encoderOf(parts, this.addedTokens, this.#textOf);
  }

  /**
   * The tokens of a text (or of its words), with their offsets and all else there is to know of them.
   *
   * @throws TokenizerError `BAD_OPTION` for options that cannot be met, `UNKNOWN_TOKEN` for a piece of
   * text without a token where the vocabulary has no unknown token
   */
  encode(text: TextInput, { pair, ...options }: EncodeOptions = {}): Encoding {
    return this.encodeBatch([{ text, pair }], options).encodings[0]!;
  }

  /** The same for many texts; `padding: 'longest'` pads them to the longest of them. */
  encodeBatch(
    inputs: Iterable<BatchInput>,
    options: Omit<EncodeOptions, 'pair'> = {},
  ): BatchEncoding {
    const plan = this.plan(options);
    const texts = Array.from(inputs, (input) => {
      const { text, pair }: TextWithPair =
        typeof input === 'object' && 'text' in input ? input : { text: input };
      return this.#encoder.rows(text, pair, plan);
    });
    return new BatchEncoding(
      padToFit(texts, plan, this.#textOf).map((rows) => new Encoding(rows, this.#textOf)),
    );
  }

  /** The ids alone, the fastest way to them; nothing is truncated or padded. */
  encodeIds(
    text: string,
    { addSpecialTokens = true }: { addSpecialTokens?: boolean } = {},
  ): Int32Array {
    return this.#encoder.ids(text, addSpecialTokens);
  }

  /**
   * The text of ids.
   *
   * @throws TokenizerError `ID_OUT_OF_RANGE` for an id the vocabulary does not have
   */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const tokens: string[] = [];
    const skipped = new Set(options.skipSpecialTokens ? this.specialTokenIds : []);
    for (const id of ids) {
      const token = this.idToToken(id);
      if (token === undefined) {
        throw new TokenizerError('ID_OUT_OF_RANGE', `the vocabulary has no id ${id}`);
      }
      if (!skipped.has(id)) tokens.push(token);
    }
    const { decoder } = this.parts;
    const text = decoder ? decoder.decode(tokens).join('') : tokens.join(' ');
    return options.cleanUpTokenizationSpaces ? cleanUp(text) : text;
  }

  /** The texts of rows of ids. */
  decodeBatch(rows: Iterable<Iterable<number>>, options: DecodeOptions = {}): string[] {
    return Array.from(rows, (ids) => this.decode(ids, options));
  }

  /** Makes text of ids as they come: see `DecodeStream`. */
  decodeStream(options: Pick<DecodeOptions, 'skipSpecialTokens'> = {}): DecodeStream {
    return decodeStream((ids) => this.decode(ids, options));
  }

  tokenToId(token: string): number | undefined {
    return this.addedTokens.byContent.get(token)?.id ?? this.parts.model.vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#idToTokens()[id];
  }

  /** Adds tokens that are found in the text as a whole; those the vocabulary lacks get the next ids. */
  addTokens(tokens: Iterable<AddedToken>): void {
    this.addedTokens.add(tokens);
    this.#tokens = undefined;
  }

  #idToTokens(): string[] {
    if (this.#tokens === undefined) {
      this.#tokens = [];
      for (const [token, id] of this.vocab) this.#tokens[id] = token;
    }
    return this.#tokens;
  }

  /** Number of tokens, the added ones included: the rows an embedding table needs. */
  get vocabSize(): number {
    return this.vocab.size;
  }

  /** Every token with its id, the added ones included. */
  get vocab(): Map<string, number> {
    const vocab = new Map(this.parts.model.vocab);
    for (const [content, { id }] of this.addedTokens.byContent) vocab.set(content, id);
    return vocab;
  }

  /** The ids of all special tokens, ascending. */
  get specialTokenIds(): number[] {
    const special = [...this.addedTokens.byContent.values()].filter((token) => token.special);
    return special.map((token) => token.id).sort((a, b) => a - b);
  }

  /** The options with what the tokenizer's own file says filled in. */
  plan(options: Omit<EncodeOptions, 'pair'>): EncodePlan {
    const { parts, padTokenId, modelMaxLength } = this;
    const { padToken } = this.specialTokens;
    return planEncoding({ padToken, padTokenId, modelMaxLength, ...parts.defaults }, options);
  }
}
