// Truncation and padding.
import type { EncodePlan } from './encode-options.js';
import { badOption } from './errors.js';
import { countOf, inserted, PADDING, type Segment, slice, type TextOf } from './segments.js';

/**
 * The parts that each sequence is cut into so that one of each, with `added` special tokens, are at
 * most `maxLength` together: first what stays, then what was cut off, each part `stride` tokens back.
 */
export function truncateToFit(
  sequences: readonly Segment[],
  { maxLength, truncation, stride = 0, truncationSide }: EncodePlan,
  added: number,
): Segment[][] {
  const most = maxLength! - added;
  if (most < 0) badOption(`maxLength ${maxLength} leaves no room for the ${added} special tokens`);
  const [first = 0, second = 0] = sequences.map((segment) => countOf([segment]));
  const excess = first + second - most;
  let lengths = [first, second];
  if (excess > 0) {
    const only = ['only_first', 'only_second'].indexOf(truncation as string);
    if (only < 0 || most === 0) {
      // Tokens come off the longer of two until both have the same length or fit.
      const shorter = Math.min(first, second, most >> 1);
      lengths = first > second ? [most - shorter, shorter] : [shorter, most - shorter];
    } else {
      lengths[only]! -= excess;
      if (lengths[only]! <= 0) {
        badOption(`truncation: '${truncation}' cannot reach maxLength ${maxLength}`);
      }
    }
  }
  return sequences.map((segment, i) => {
    const total = countOf([segment]);
    const length = lengths[i]!;
    if (length >= total) return [segment];
    if (length === 0) return [slice(segment, 0, 0), segment];
    if (stride >= length) {
      badOption(`stride ${stride} must be less than the ${length} tokens of text that fit`);
    }
    const parts: Segment[] = [];
    for (let done = 0, end = 0; end < total; done += length - stride) {
      end = Math.min(done + length, total);
      parts.push(
        truncationSide === 'left'
          ? slice(segment, total - end, total - done)
          : slice(segment, done, end),
      );
    }
    return parts;
  });
}

/** Makes all rows, of which each text has some, as long as the padding says. */
export function padToFit(
  texts: Segment[][][],
  {
    padding,
    padLength,
    padToMultipleOf,
    paddingSide,
    padToken,
    padTokenId,
    padTypeId = 0,
  }: EncodePlan,
  textOf: TextOf,
): Segment[][][] {
  if (!padding) return texts;
  const multiple = padToMultipleOf || 1;
  const longest = padLength ?? texts.reduce((most, [row]) => Math.max(most, countOf(row!)), 0);
  const length = Math.ceil(longest / multiple) * multiple;
  return texts.map((rows) =>
    rows.map((row) => {
      const missing = length - countOf(row);
      if (missing <= 0) return row;
      const pad = inserted(padTokenId!, padTypeId, padToken!, textOf, missing, PADDING);
      return paddingSide === 'left' ? [pad, ...row] : [...row, pad];
    }),
  );
}
