import type { Encoding } from '@multihead/tokenizers';
import { type Input, wordsOf } from './tokenize-input.js';

/** A token, and where its text is. */
export interface PlacedToken {
  token: string;
  /** The tokenizer did not know this piece of the text. */
  isUnknown: boolean;
  /** As the tokenizer gives it: in the text, or in its word where the text is cut into words. */
  place: [start: number, end: number] | undefined;
  /** That part of the text; '' for tokens that were put in. */
  text: string;
  /** The whole text or pair it is of, and its place there; undefined for tokens that were put in. */
  source: { text: string; sequence: number; start: number; end: number } | undefined;
}

/** The tokens of an encoding with their parts of the texts. */
export function placeTokens(
  { ids, tokens, offsets, sequenceIds, wordIds }: Encoding,
  input: Input,
  { words, unkTokenId }: { words: boolean; unkTokenId: number | undefined },
): PlacedToken[] {
  const texts = [input.text, input.pair ?? ''];
  const starts = words ? texts.map((text) => wordsOf(text).map(({ start }) => start)) : [];
  return tokens.map((token, i) => {
    const sequence = sequenceIds[i];
    if (sequence == null) {
      return { token, isUnknown: false, place: undefined, text: '', source: undefined };
    }
    const [from, to] = offsets[i]!;
    const base = starts[sequence]?.[wordIds[i]!] ?? 0;
    const [start, end] = [base + from, base + to];
    const source = { text: texts[sequence]!, sequence, start, end };
    const text = source.text.slice(start, end);
    return { token, isUnknown: ids[i] === unkTokenId, place: [from, to], text, source };
  });
}
