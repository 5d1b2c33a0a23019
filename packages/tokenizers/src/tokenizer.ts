import { type AddedToken, AddedTokens } from './added-tokens.js';
import { AlignedText } from './aligned-text.js';
import { DecodeStream } from './decode-stream.js';
import { cleanUp } from './decoders.js';
import {
  type EncodeDefaults,
  type EncodeOptions,
  type EncodePlan,
  planEncoding,
  type TextInput,
  truncateToFit,
} from './encode-options.js';
import { BatchEncoding, Encoding, joinRows, padRows, type Rows } from './encoding.js';
import { TokenizerError } from './errors.js';
import { writeFiles } from './files.js';
import {
  type Model,
  type PostProcessor,
  type SpecialTokens,
  type TokenizerParts,
  TokenSink,
} from './pipeline.js';
import { writeSpecialTokens } from './special-tokens.js';
import { TextCutter } from './text-cutter.js';
import { writeTokenizerJson } from './tokenizer-json.js';

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
  readonly #model: Model;
  readonly #cutter: TextCutter;
  readonly #sink = new TokenSink();
  #tokens: string[] | undefined;
  readonly #textOf = (id: number): string | undefined => this.idToToken(id);

  constructor(parts: TokenizerParts) {
    this.parts = parts;
    this.#model = parts.model;
    this.modelMaxLength = parts.modelMaxLength;
    this.specialTokens = parts.specialTokens ?? {};
    const { normalizer } = parts;
    this.addedTokens = new AddedTokens(
      parts.addedTokens ?? [],
      parts.model.vocab,
      normalizer && ((text) => normalizer.normalize(AlignedText.of(text)).text),
    );
    this.#cutter = new TextCutter(parts, this.addedTokens, this.#textOf);
  }

  /**
   * The tokens of a text (or of its words), with their offsets and all else there is to know of them.
   *
   * @throws TokenizerError `BAD_OPTION` for options that cannot be met, `UNKNOWN_TOKEN` for a piece of
   * text without a token where the vocabulary has no unknown token
   */
  encode(text: TextInput, options: EncodeOptions = {}): Encoding {
    const plan = planEncoding(this.#defaults, options);
    const rows = this.#encodeRows(text, options.pair, plan);
    return this.#encoding(this.#pad([rows], plan)[0]!, plan);
  }

  /** The same for many texts; `padding: 'longest'` pads them to the longest of them. */
  encodeBatch(
    inputs: Iterable<BatchInput>,
    options: Omit<EncodeOptions, 'pair'> = {},
  ): BatchEncoding {
    const plan = planEncoding(this.#defaults, options);
    const rows: Rows[] = [];
    for (const input of inputs) {
      const { text, pair } = isPair(input) ? input : { text: input, pair: undefined };
      rows.push(this.#encodeRows(text, pair, plan));
    }
    return new BatchEncoding(this.#pad(rows, plan).map((row) => this.#encoding(row, plan)));
  }

  /** The ids alone, the fastest way to them; nothing is truncated or padded. */
  encodeIds(
    text: string,
    { addSpecialTokens = true }: { addSpecialTokens?: boolean } = {},
  ): Int32Array {
    const { postProcessor } = this.parts;
    const frame = addSpecialTokens && postProcessor ? this.#frame(postProcessor) : undefined;
    const sink = this.#sink;
    sink.clear();
    sink.idsOnly = true;
    this.#cutter.cut(text, sink);
    if (frame === undefined) return sink.ids.slice(0, sink.length);
    const ids = new Int32Array(frame.before.length + sink.length + frame.after.length);
    ids.set(frame.before);
    ids.set(sink.ids.subarray(0, sink.length), frame.before.length);
    ids.set(frame.after, frame.before.length + sink.length);
    return ids;
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
          `the vocabulary has no id ${id} (its ${this.vocabSize} ids end before ${this.#idToTokens().length})`,
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
    return this.addedTokens.byContent.get(token)?.id ?? this.#model.vocab.get(token);
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
      for (const [token, id] of this.#model.vocab) this.#tokens[id] = token;
      for (const { content, id } of this.addedTokens.byId.values()) this.#tokens[id] = content;
    }
    return this.#tokens;
  }

  /** Number of tokens, the added ones included: the rows an embedding table needs. */
  get vocabSize(): number {
    let size = this.#model.vocab.size;
    for (const token of this.addedTokens.byContent.keys())
      if (!this.#model.vocab.has(token)) size++;
    return size;
  }

  /** Every token with its id, the added ones included. */
  get vocab(): Map<string, number> {
    const vocab = new Map(this.#model.vocab);
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

  /** The files that Hugging Face's library reads, by name: `tokenizer.json` and those beside it. */
  toFiles(): Record<string, string> {
    const { config, ...parts } = this.parts;
    const roles = writeSpecialTokens(this.specialTokens);
    const length = this.modelMaxLength;
    return {
      'tokenizer.json': toJson(writeTokenizerJson(parts, this.addedTokens)),
      'tokenizer_config.json': toJson({
        tokenizer_class: 'PreTrainedTokenizerFast',
        ...config,
        ...this.configEntries(),
        ...(length !== undefined && { model_max_length: length }),
        ...roles,
      }),
      'special_tokens_map.json': toJson(roles),
      ...this.vocabFiles(),
    };
  }

  /** Writes `toFiles()` into a folder (Node), which is made if need be. */
  async save(folder: string): Promise<void> {
    await writeFiles(folder, this.toFiles());
  }

  /** What a family adds to `tokenizer_config.json`. */
  protected configEntries(): object {
    return {};
  }

  /** The vocabulary in the files that a family had before `tokenizer.json`. */
  protected vocabFiles(): Record<string, string> {
    return {};
  }

  get #defaults(): EncodeDefaults {
    return {
      truncation: this.parts.truncation,
      padding: this.parts.padding,
      padToken: this.specialTokens.padToken,
      padTokenId: this.padTokenId,
      modelMaxLength: this.modelMaxLength,
    };
  }

  #encodeRows(text: TextInput, pair: TextInput | undefined, plan: EncodePlan): Rows {
    const sequences = [this.#sequence(text, 0)];
    if (pair !== undefined) sequences.push(this.#sequence(pair, 1));
    const { postProcessor } = this.parts;
    const added = plan.addSpecialTokens ? (postProcessor?.addedTokens(pair !== undefined) ?? 0) : 0;
    const fitting = plan.truncation ? truncateToFit(sequences, plan.truncation, added) : sequences;
    return joinRows(
      postProcessor?.process(fitting, plan.addSpecialTokens, this.#textOf) ?? fitting,
    );
  }

  /** The rows of one text before truncation and special tokens. */
  #sequence(text: TextInput, sequence: number): Rows {
    const sink = this.#sink;
    sink.clear();
    if (typeof text === 'string') {
      this.#cutter.cut(text, sink);
    } else {
      text.forEach((word, index) => {
        const from = sink.length;
        this.#cutter.cut(word, sink);
        sink.words.fill(index, from, sink.length);
      });
    }
    const count = sink.length;
    const rows: Rows = {
      ids: new Array(count),
      starts: new Array(count),
      ends: new Array(count),
      wordIds: new Array(count),
      sequenceIds: new Array(count).fill(sequence),
      typeIds: new Array(count).fill(sequence),
      specialTokensMask: new Array(count).fill(0),
      attentionMask: new Array(count).fill(1),
      texts: new Array(count).fill(undefined),
      overflowing: [],
    };
    const { ids, starts, ends, words } = sink;
    for (let i = 0; i < count; i++) {
      rows.ids[i] = ids[i]!;
      rows.starts[i] = starts[i]!;
      rows.ends[i] = ends[i]!;
      rows.wordIds[i] = words[i]!;
    }
    for (const [i, found] of sink.texts ?? []) rows.texts[i] = found;
    return rows;
  }

  #pad(rows: Rows[], { padding }: EncodePlan): Rows[] {
    if (padding === undefined) return rows;
    let length = padding.length ?? rows.reduce((most, row) => Math.max(most, row.ids.length), 0);
    const multiple = padding.toMultipleOf;
    if (multiple > 1) length = Math.ceil(length / multiple) * multiple;
    return rows.map((row) => padRows(row, length, padding));
  }

  #encoding(rows: Rows, plan: EncodePlan): Encoding {
    const kept = plan.returnOverflowing ? rows : { ...rows, overflowing: [] };
    return new Encoding(kept, this.#textOf);
  }

  #frameIds: { before: number[]; after: number[] } | undefined;

  /** The ids that the post-processor puts before and after one sequence. */
  #frame(postProcessor: PostProcessor): { before: number[]; after: number[] } {
    if (this.#frameIds === undefined) {
      const marker = { ...this.#sequence([], 0), ids: [-1] };
      const { ids } = joinRows(postProcessor.process([marker], true, this.#textOf));
      const at = ids.indexOf(-1);
      this.#frameIds = { before: ids.slice(0, at), after: ids.slice(at + 1) };
    }
    return this.#frameIds;
  }
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function isPair(input: BatchInput): input is { text: TextInput; pair?: TextInput | undefined } {
  return typeof input === 'object' && 'text' in input;
}
