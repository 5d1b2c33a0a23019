import type { AddedTokens } from './added-tokens.js';
import { AlignedText } from './aligned-text.js';
import { rememberingChunks } from './chunk-cache.js';
import type { EncodePlan, TextInput } from './encode-options.js';
import { truncateToFit } from './fit.js';
import type { TokenizerParts } from './pipeline.js';
import { countOf, type Segment, slice, type TextOf, WIDTH, WORD } from './segments.js';
import { Tokens } from './tokens.js';
import { wellFormed } from './unicode.js';

/** The way from a text and its pair to rows of tokens: cut, truncated, framed by special tokens. */
export interface Encoder {
  /** The row of a text and its pair, not padded, and after it what truncation cut off. */
  rows(text: TextInput, pair: TextInput | undefined, plan: EncodePlan): Segment[][];
  /** The ids of a text, neither truncated nor padded. */
  ids(text: string, addSpecialTokens: boolean): Int32Array;
}

export function encoderOf(
  { model, normalizer, preTokenizer, postProcessor, chunkEnd }: TokenizerParts,
  addedTokens: AddedTokens,
  textOf: TextOf,
): Encoder {
  const made = new Tokens(); // those of the text that is being cut
  const chunk = new Tokens();
  let frame: [before: number[], after: number[]] | undefined;

  const normalized = (text: string, origin: number) => {
    const original = AlignedText.of(text, origin);
    return normalizer?.normalize(original) ?? original;
  };

  /** Appends the tokens of a normalized piece without added tokens. */
  const cutPiece = (piece: AlignedText, to: Tokens) => {
    for (const part of preTokenizer?.split([piece]) ?? [piece]) {
      const word = to.words++;
      model.tokenize(part.text, (id, start, end) =>
        to.push(id, part.start(start), part.end(end), word),
      );
    }
  };

  const cutChunk = rememberingChunks((text) => {
    chunk.clear();
    cutPiece(normalized(text, 0), chunk);
    return chunk;
  });

  /** Appends an added token as it was found. */
  const add = (id: number, piece: AlignedText) => {
    if (piece.text !== textOf(id)) made.texts[made.size / WIDTH] = piece.text;
    made.push(id, piece.start(0), piece.end(piece.length), made.words++);
  };

  /** Appends the tokens of a part in which there are no raw added tokens. */
  const cutPart = (text: string, origin: number) => {
    const byChunks = chunkEnd && !(normalizer && addedTokens.anyNormalized);
    const whole = byChunks ? undefined : normalized(text, origin);
    for (const [id, from, to] of addedTokens.find(whole?.text ?? text, true)) {
      if (byChunks && id < 0) {
        for (let at = from, next = at; at < to; at = next) {
          next = chunkEnd(text, at, to);
          cutChunk(text, at, next, origin, made);
        }
        continue;
      }
      const piece = whole?.slice(from, to) ?? AlignedText.of(text.slice(from, to), origin + from);
      if (id < 0) cutPiece(piece, made);
      else add(id, piece);
    }
  };

  /** Appends the tokens of a text: added ones first, and what is between by the pipeline. */
  const cut = (given: string) => {
    const text = wellFormed(given);
    for (const [id, start, end] of addedTokens.find(text)) {
      const part = text.slice(start, end);
      if (id < 0) cutPart(part, start);
      else add(id, AlignedText.of(part, start));
    }
  };

  /** The tokens of one text before truncation and special tokens. */
  const sequence = (text: TextInput, index: number) => {
    made.clear();
    if (typeof text === 'string') cut(text);
    else {
      text.forEach((word, i) => {
        const from = made.size;
        cut(word);
        for (let at = from; at < made.size; at += WIDTH) made.cells[at + WORD] = i;
      });
    }
    return made.segment(index);
  };

  const framed = (sequences: Segment[], addSpecialTokens: boolean) =>
    postProcessor?.process(sequences, addSpecialTokens, textOf) ?? sequences;

  /** The ids that the post-processor puts before and after a text. */
  const frameIds = (): [before: number[], after: number[]] => {
    made.clear();
    const row = framed([made.segment(0)], true);
    const at = row.findIndex((segment) => segment.sequence === 0);
    const idsOf = (segments: Segment[]) => segments.map(({ cells }) => cells[0]!);
    return [idsOf(row.slice(0, at)), idsOf(row.slice(at + 1))];
  };

  return {
    rows(text, pair, plan) {
      const sequences = [sequence(text, 0)];
      if (pair !== undefined) sequences.push(sequence(pair, 1));
      const row = (parts: Segment[]) => framed(parts, plan.addSpecialTokens ?? true);
      if (!plan.truncation) return [row(sequences)];
      const added = countOf(row(sequences.map((segment) => slice(segment, 0, 0))));
      const [firsts, seconds] = truncateToFit(sequences, plan, added);
      // Every part of the text with every part of the pair, in the order of the reference.
      const rows = firsts!.flatMap(
        (first) => seconds?.map((second) => [first, second]) ?? [[first]],
      );
      const others = rows.splice(1, seconds ? seconds.length - 1 : 0);
      return (plan.returnOverflowing ? [...rows, ...others] : rows.slice(0, 1)).map(row);
    },

    ids(text, addSpecialTokens) {
      frame ??= frameIds();
      const [before, after] = addSpecialTokens ? frame : [[], []];
      made.clear(true);
      cut(text);
      const ids = new Int32Array(before.length + made.size + after.length);
      ids.set(before);
      ids.set(made.cells.subarray(0, made.size), before.length);
      ids.set(after, before.length + made.size);
      return ids;
    },
  };
}
