import type { AddedTokens } from './added-tokens.js';
import { type EncodePlan, type TextInput, truncateToFit } from './encode-options.js';
import type { TokenizerParts } from './pipeline.js';
import { joinRows, type Rows, type TextOf, WIDTH, WORD } from './rows.js';
import { TextCutter } from './text-cutter.js';
import { TokenSink } from './token-sink.js';

/** The way from a text and its pair to rows of tokens: cut, truncated, framed by special tokens. */
export class Encoder {
  readonly #parts: TokenizerParts;
  readonly #textOf: TextOf;
  readonly #cutter: TextCutter;
  readonly #sink = new TokenSink();

  constructor(parts: TokenizerParts, addedTokens: AddedTokens, textOf: TextOf) {
    this.#parts = parts;
    this.#textOf = textOf;
    this.#cutter = new TextCutter(parts, addedTokens, textOf);
  }

  /** The rows of a text and its pair, not padded. */
  rows(text: TextInput, pair: TextInput | undefined, plan: EncodePlan): Rows {
    const texts: string[] = [];
    const sequences = [this.#sequence(text, 0, texts)];
    if (pair !== undefined) sequences.push(this.#sequence(pair, 1, texts));
    const { addSpecialTokens, truncation, returnOverflowing } = plan;
    const { postProcessor } = this.#parts;
    const added = addSpecialTokens ? (postProcessor?.addedTokens(pair !== undefined) ?? 0) : 0;
    const fitting = truncation ? truncateToFit(sequences, truncation, added) : sequences;
    if (!returnOverflowing) for (const rows of fitting) rows.overflowing = [];
    return joinRows(postProcessor?.process(fitting, addSpecialTokens, this.#textOf) ?? fitting);
  }

  /** The rows of one text before truncation and special tokens. */
  #sequence(text: TextInput, sequence: number, texts: string[]): Rows {
    const sink = this.#sink;
    sink.begin(sequence, texts);
    if (typeof text === 'string') {
      this.#cutter.cut(text, sink);
    } else {
      text.forEach((word, index) => {
        const from = sink.size;
        this.#cutter.cut(word, sink);
        for (let at = from; at < sink.size; at += WIDTH) sink.cells[at + WORD] = index;
      });
    }
    return sink.rows();
  }
}
