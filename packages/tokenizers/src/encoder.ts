import type { AddedTokens } from './added-tokens.js';
import { type EncodePlan, type TextInput, truncateToFit } from './encode-options.js';
import type { TokenizerParts } from './pipeline.js';
import { ID, inserted, joinRows, type Rows, TEXT, type TextOf, WIDTH } from './rows.js';
import { TextCutter } from './text-cutter.js';
import { TokenSink } from './token-sink.js';

/** The way from a text and its pair to rows of tokens: cut, truncated, framed by special tokens. */
export class Encoder {
  readonly #parts: TokenizerParts;
  readonly #textOf: TextOf;
  readonly #cutter: TextCutter;
  readonly #sink = new TokenSink();
  #frame: [before: number[], after: number[]] | undefined;

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

  /** The ids alone of one text, neither truncated nor padded. */
  ids(text: string, addSpecialTokens: boolean): Int32Array {
    if (addSpecialTokens) this.#frame ??= this.#findFrame();
    const [before, after] = (addSpecialTokens && this.#frame) || NOTHING;
    const sink = this.#sink;
    sink.clear(true);
    this.#cutter.cut(text, sink);
    const ids = new Int32Array(before.length + sink.length + after.length);
    ids.set(before);
    ids.set(sink.ids.subarray(0, sink.length), before.length);
    ids.set(after, before.length + sink.length);
    return ids;
  }

  /** The rows of one text before truncation and special tokens. */
  #sequence(text: TextInput, sequence: number, allTexts: string[]): Rows {
    const sink = this.#sink;
    sink.clear(false);
    if (typeof text === 'string') {
      this.#cutter.cut(text, sink);
    } else {
      text.forEach((word, index) => {
        const from = sink.length;
        this.#cutter.cut(word, sink);
        sink.words.fill(index, from, sink.length);
      });
    }
    const { length, ids, starts, ends, words, texts } = sink;
    const cells = new Int32Array(length * WIDTH);
    for (let i = 0, at = 0; i < length; i++) {
      cells[at++] = ids[i]!;
      cells[at++] = starts[i]!;
      cells[at++] = ends[i]!;
      cells[at++] = words[i]!;
      cells[at++] = sequence;
      cells[at++] = sequence; // its type, unless the post-processor gives another
      cells[at++] = 0;
    }
    for (const [i, found] of texts) cells[i * WIDTH + TEXT] = allTexts.push(found);
    return { cells, texts: allTexts, overflowing: [] };
  }

  /** The ids that the post-processor puts before and after one sequence. */
  #findFrame(): [before: number[], after: number[]] {
    const marker = inserted(-1, 0, '', [], () => '');
    const { cells } = joinRows(
      this.#parts.postProcessor?.process([marker], true, this.#textOf) ?? [marker],
    );
    const ids = Array.from(cells).filter((_, i) => i % WIDTH === ID);
    const at = ids.indexOf(-1);
    return [ids.slice(0, at), ids.slice(at + 1)];
  }
}

const NOTHING: [number[], number[]] = [[], []];
