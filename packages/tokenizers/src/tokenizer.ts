import { type AddedToken, AddedTokens } from './added-tokens.js';
import { AlignedText } from './aligned-text.js';
import { DecodeStream } from './decode-stream.js';
import { cleanUp } from './decoders.js';
import {
  type EncodeOptions,
  type EncodePlan,
  padToFit,
  planEncoding,
  type TextInput,
} from './encode-options.js';
import { Encoder } from './encoder.js';
import { BatchEncoding, Encoding } from './encoding.js';
import { TokenizerError } from './errors.js';
import type { SpecialTokens, TokenizerParts } from './pipeline.js';
import type { Rows, TextOf } from './rows.js';

/** An entry of a batch: a text, or a text with its pair. */
export type BatchInput = TextInput | { text: TextInput; pair?: TextInput | undefined };

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
  readonly #encoder: Encoder;
  readonly #textOf: TextOf = (id) => this.idToToken(id);
  #tokens: string[] | undefined;

  constructor(parts: TokenizerParts) {
    this.parts = parts;
    const { model, normalizer, specialTokens = {}, modelMaxLength } = parts;
    this.specialTokens = specialTokens;
    this.modelMaxLength = modelMaxLength;
    this.addedTokens = new AddedTokens(
      parts.addedTokens ?? [],
      model.vocab,
      normalizer && ((text) => normalizer.normalize(AlignedText.of(text)).text),
    );
    this.#encoder = new Encoder(parts, this.addedTokens, this.#textOf);
  }

  /**
   * The tokens of a text (or of its words), with their offsets and all else there is to know of them.
   *
   * @throws TokenizerError `BAD_OPTION` for options that cannot be met, `UNKNOWN_TOKEN` for a piece of
   * text without a token where the vocabulary has no unknown token
   */
  encode(text: TextInput, options: EncodeOptions = {}): Encoding {
    const plan = this.#plan(options);
    return this.#encodings([this.#encoder.rows(text, options.pair, plan)], plan)[0]!;
  }

  /** The same for many texts; `padding: 'longest'` pads them to the longest of them. */
  encodeBatch(
    inputs: Iterable<BatchInput>,
    options: Omit<EncodeOptions, 'pair'> = {},
  ): BatchEncoding {
    const plan = this.#plan(options);
    const rows = Array.from(inputs, (input) => {
      const { text, pair } = isPair(input) ? input : { text: input, pair: undefined };
      return this.#encoder.rows(text, pair, plan);
    });
    return new BatchEncoding(this.#encodings(rows, plan));
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
    for (const id of ids) {
      const token = this.idToToken(id);
      if (token === undefined) {
        throw new TokenizerError(
          'ID_OUT_OF_RANGE',
          `the vocabulary has no id ${id}: the last is ${this.#idToTokens().length - 1}`,
        );
      }
      if (options.skipSpecialTokens && this.addedTokens.byId.get(id)?.special) continue;
      tokens.push(token);
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
    return new DecodeStream((ids) => this.decode(ids, options));
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
      for (const [token, id] of this.parts.model.vocab) this.#tokens[id] = token;
      for (const { content, id } of this.addedTokens.byId.values()) this.#tokens[id] = content;
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
    for (const { content, id } of this.addedTokens.byId.values()) vocab.set(content, id);
    return vocab;
  }

  get padTokenId(): number | undefined {
    return this.#idOf(this.specialTokens.padToken);
  }
  get maskTokenId(): number | undefined {
    return this.#idOf(this.specialTokens.maskToken);
  }
  get clsTokenId(): number | undefined {
    return this.#idOf(this.specialTokens.clsToken);
  }
  get sepTokenId(): number | undefined {
    return this.#idOf(this.specialTokens.sepToken);
  }
  get unkTokenId(): number | undefined {
    return this.#idOf(this.specialTokens.unkToken);
  }
  get bosTokenId(): number | undefined {
    return this.#idOf(this.specialTokens.bosToken);
  }
  get eosTokenId(): number | undefined {
    return this.#idOf(this.specialTokens.eosToken);
  }

  /** The ids of all special tokens, ascending. */
  get specialTokenIds(): number[] {
    const special = [...this.addedTokens.byId.values()].filter((token) => token.special);
    return special.map((token) => token.id).sort((a, b) => a - b);
  }

  #idOf(token: string | undefined): number | undefined {
    return token === undefined ? undefined : this.tokenToId(token);
  }

  /** The options with what the tokenizer's own file says filled in. */
  #plan(options: EncodeOptions): EncodePlan {
    const { parts, padTokenId, modelMaxLength } = this;
    const { padToken } = this.specialTokens;
    const { truncation, padding } = parts;
    return planEncoding({ truncation, padding, padToken, padTokenId, modelMaxLength }, options);
  }

  #encodings(rows: Rows[], { padding }: EncodePlan): Encoding[] {
    return padToFit(rows, padding, this.#textOf).map((row) => new Encoding(row, this.#textOf));
  }
}

function isPair(input: BatchInput): input is { text: TextInput; pair?: TextInput | undefined } {
  return typeof input === 'object' && 'text' in input;
}
