import type { AddedTokens } from './added-tokens.js';
import { AlignedText } from './aligned-text.js';
import type { TokenizerParts } from './pipeline.js';
import type { TextOf } from './rows.js';
import type { TokenSink } from './token-sink.js';
import { wellFormed } from './unicode.js';

/** Cuts a text into tokens: added ones first, and what is between them by the pipeline. */
export class TextCutter {
  readonly #parts: TokenizerParts;
  readonly #addedTokens: AddedTokens;
  readonly #textOf: TextOf;

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
    const { fastPath, normalizer } = this.#parts;
    const part = from === 0 && to === text.length ? text : text.slice(from, to);
    if (fastPath !== undefined && !this.#addedTokens.needNormalizedText) {
      for (const { id, start, end } of this.#addedTokens.findNormalized(part)) {
        if (id < 0) fastPath.encode(text, from + start, from + end, sink);
        else this.#pushToken(id, from + start, from + end, part.slice(start, end), sink);
      }
      return;
    }
    const original = AlignedText.of(part, from);
    const normalized = normalizer?.normalize(original) ?? original;
    for (const { id, start, end } of this.#addedTokens.findNormalized(normalized.text)) {
      if (start === end) continue;
      const piece = normalized.slice(start, end);
      if (id < 0) this.#cutNormalized(piece, sink);
      else this.#pushToken(id, piece.start(0), piece.end(piece.length), piece.text, sink);
    }
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
    if (text !== this.#textOf(id)) sink.texts.set(sink.length, text);
    sink.push(id, start, end, sink.wordCount++);
  }
}
