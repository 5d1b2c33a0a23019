import type { AddedTokens } from './added-tokens.js';
import { AlignedText } from './aligned-text.js';
import { ChunkCache } from './chunk-cache.js';
import type { TokenizerParts } from './pipeline.js';
import type { TextOf } from './rows.js';
import type { TokenSink } from './token-sink.js';
import { wellFormed } from './unicode.js';

/** Cuts a text into tokens: added ones first, and what is between them by the pipeline. */
export class TextCutter {
  readonly #parts: TokenizerParts;
  readonly #addedTokens: AddedTokens;
  readonly #textOf: TextOf;
  readonly #cache = new ChunkCache();

  constructor(parts: TokenizerParts, addedTokens: AddedTokens, textOf: TextOf) {
    this.#parts = parts;
    this.#addedTokens = addedTokens;
    this.#textOf = textOf;
  }

  /** Appends the tokens of a text to the sink. */
  cut(given: string, sink: TokenSink): void {
    const text = wellFormed(given);
    for (const { id, start, end } of this.#addedTokens.findRaw(text)) {
      if (id < 0) this.#cutPart(text, start, end, sink);
      else this.#pushToken(id, start, end, text.slice(start, end), sink);
    }
  }

  /** Appends the tokens of a part in which there are no raw added tokens. */
  #cutPart(text: string, from: number, to: number, sink: TokenSink): void {
    const { chunkEnd } = this.#parts;
    if (chunkEnd === undefined || this.#addedTokens.needNormalizedText) {
      const normalized = this.#normalized(text, from, to);
      for (const { id, start, end } of this.#addedTokens.findNormalized(normalized.text)) {
        if (start === end) continue;
        const piece = normalized.slice(start, end);
        if (id < 0) this.#cutNormalized(piece, sink);
        else this.#pushToken(id, piece.start(0), piece.end(piece.length), piece.text, sink);
      }
      return;
    }
    for (const { id, start, end } of this.#addedTokens.findNormalized(text.slice(from, to))) {
      if (id >= 0) {
        this.#pushToken(id, from + start, from + end, text.slice(from + start, from + end), sink);
        continue;
      }
      for (let at = from + start; at < from + end; ) {
        const next = chunkEnd(text, at, from + end);
        this.#cache.cut(text, at, next, sink, this.#cutChunk);
        at = next;
      }
    }
  }

  readonly #cutChunk = (text: string, start: number, end: number, sink: TokenSink): void =>
    this.#cutNormalized(this.#normalized(text, start, end), sink);

  #normalized(text: string, from: number, to: number): AlignedText {
    const original = AlignedText.of(text.slice(from, to), from);
    return this.#parts.normalizer?.normalize(original) ?? original;
  }

  /** Appends the tokens of a normalized piece without added tokens. */
  #cutNormalized(piece: AlignedText, sink: TokenSink): void {
    const { preTokenizer, model } = this.#parts;
    for (const part of preTokenizer?.split([piece]) ?? [piece]) {
      const word = sink.wordCount++;
      model.tokenize(part.text, (id, start, end) =>
        sink.push(id, part.start(start), part.end(end), word),
      );
    }
  }

  #pushToken(id: number, start: number, end: number, text: string, sink: TokenSink): void {
    sink.push(id, start, end, sink.wordCount++, text === this.#textOf(id) ? undefined : text);
  }
}
