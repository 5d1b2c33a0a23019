import type { AddedTokens } from './added-tokens.js';
import { AlignedText } from './aligned-text.js';
import { ChunkCache } from './chunk-cache.js';
import { type EncodePlan, type TextInput, truncateToFit } from './encode-options.js';
import type { TokenizerParts } from './pipeline.js';
import { countOf, ID, inserted, joinRows, type Rows, type TextOf, WIDTH, WORD } from './rows.js';
import { TokenSink } from './token-sink.js';
import { wellFormed } from './unicode.js';

/** The way from a text and its pair to rows of tokens: cut, truncated, framed by special tokens. */
export class Encoder {
  readonly #parts: TokenizerParts;
  readonly #addedTokens: AddedTokens;
  readonly #textOf: TextOf;
  readonly #cache = new ChunkCache();
  readonly #sink = new TokenSink();

  constructor(parts: TokenizerParts, addedTokens: AddedTokens, textOf: TextOf) {
    this.#parts = parts;
    this.#addedTokens = addedTokens;
    this.#textOf = textOf;
  }

  /** The rows of a text and its pair, not padded. */
  rows(text: TextInput, pair: TextInput | undefined, plan: EncodePlan): Rows {
    const { addSpecialTokens, truncation, returnOverflowing } = plan;
    const framed = (sequences: Rows[]) =>
      joinRows(
        this.#parts.postProcessor?.process(sequences, addSpecialTokens, this.#textOf) ?? sequences,
      );
    const texts: string[] = [];
    let sequences = [this.#sequence(text, 0, texts)];
    if (pair !== undefined) sequences.push(this.#sequence(pair, 1, texts));
    if (truncation) {
      const nothing = { cells: new Int32Array(0), texts: [], overflowing: [] };
      const added = countOf(framed(sequences.map(() => nothing)));
      sequences = truncateToFit(sequences, truncation, added);
    }
    if (!returnOverflowing) for (const rows of sequences) rows.overflowing = [];
    return framed(sequences);
  }

  /** The ids of a text, neither truncated nor padded. */
  ids(text: string, addSpecialTokens: boolean): Int32Array {
    const sink = this.#sink;
    sink.begin(0, [], true);
    this.#cut(text);
    const { before, after } = addSpecialTokens ? this.#frame() : { before: [], after: [] };
    const count = sink.size / WIDTH;
    const ids = new Int32Array(before.length + count + after.length);
    ids.set(before);
    ids.set(after, before.length + count);
    for (let i = 0; i < count; i++) ids[before.length + i] = sink.cells[i * WIDTH + ID]!;
    return ids;
  }

  #frameIds: { before: number[]; after: number[] } | undefined;

  /** The ids that the post-processor puts before and after a text. */
  #frame(): { before: number[]; after: number[] } {
    if (this.#frameIds === undefined) {
      const marker = -1;
      const text = inserted(marker, 0, '', [], () => '');
      const { cells } = joinRows(
        this.#parts.postProcessor?.process([text], true, this.#textOf) ?? [text],
      );
      const ids = Array.from({ length: cells.length / WIDTH }, (_, i) => cells[i * WIDTH + ID]!);
      const at = ids.indexOf(marker);
      this.#frameIds = { before: ids.slice(0, at), after: ids.slice(at + 1) };
    }
    return this.#frameIds;
  }

  /** The rows of one text before truncation and special tokens. */
  #sequence(text: TextInput, sequence: number, texts: string[]): Rows {
    const sink = this.#sink;
    sink.begin(sequence, texts);
    if (typeof text === 'string') {
      this.#cut(text);
    } else {
      text.forEach((word, index) => {
        const from = sink.size;
        this.#cut(word);
        for (let at = from; at < sink.size; at += WIDTH) sink.cells[at + WORD] = index;
      });
    }
    return sink.rows();
  }

  /** Appends the tokens of a text to the sink: added ones first, and what is between by the pipeline. */
  #cut(given: string): void {
    const text = wellFormed(given);
    for (const { id, start, end } of this.#addedTokens.findRaw(text)) {
      if (id < 0) this.#cutPart(text, start, end);
      else this.#push(id, start, end, text.slice(start, end));
    }
  }

  /** Appends the tokens of a part in which there are no raw added tokens. */
  #cutPart(text: string, from: number, to: number): void {
    const { chunkEnd } = this.#parts;
    if (chunkEnd === undefined || this.#addedTokens.needNormalizedText) {
      const normalized = this.#normalized(text, from, to);
      for (const { id, start, end } of this.#addedTokens.findNormalized(normalized.text)) {
        const piece = normalized.slice(start, end);
        if (id < 0) this.#cutNormalized(piece);
        else if (end > start) this.#push(id, piece.start(0), piece.end(piece.length), piece.text);
      }
      return;
    }
    for (const found of this.#addedTokens.findNormalized(text.slice(from, to))) {
      const start = from + found.start;
      const end = from + found.end;
      if (found.id >= 0) {
        this.#push(found.id, start, end, text.slice(start, end));
        continue;
      }
      for (let at = start, next = at; at < end; at = next) {
        next = chunkEnd(text, at, end);
        this.#cache.cut(text, at, next, this.#sink, this.#cutChunk);
      }
    }
  }

  readonly #cutChunk = (text: string, start: number, end: number): void =>
    this.#cutNormalized(this.#normalized(text, start, end));

  #normalized(text: string, from: number, to: number): AlignedText {
    const original = AlignedText.of(text.slice(from, to), from);
    return this.#parts.normalizer?.normalize(original) ?? original;
  }

  /** Appends the tokens of a normalized piece without added tokens. */
  #cutNormalized(piece: AlignedText): void {
    const { preTokenizer, model } = this.#parts;
    const sink = this.#sink;
    for (const part of preTokenizer?.split([piece]) ?? [piece]) {
      const word = sink.wordCount++;
      model.tokenize(part.text, (id, start, end) =>
        sink.push(id, part.start(start), part.end(end), word),
      );
    }
  }

  /** Appends an added token as it was found. */
  #push(id: number, start: number, end: number, text: string): void {
    const sink = this.#sink;
    sink.push(id, start, end, sink.wordCount++, text === this.#textOf(id) ? undefined : text);
  }
}
