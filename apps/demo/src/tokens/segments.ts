import type { Token } from './protocol.js';

/** A stretch of the text that the same tokens cover. */
export interface Segment {
  start: number;
  end: number;
  /** Indices of the tokens: none for what no token has, several where they share a character. */
  tokens: number[];
}

/** The text from 0 to `length`, cut wherever a token begins or ends. */
export function segmentsOf(tokens: readonly Token[], length: number): Segment[] {
  const inside = (position: number) => Math.min(Math.max(position, 0), length);
  const bounds = new Set([0, length]);
  for (const { kind, start, end } of tokens) {
    if (kind !== 'frame') bounds.add(inside(start)).add(inside(end));
  }
  const sorted = [...bounds].sort((a, b) => a - b);
  const indexOf = new Map(sorted.map((bound, i) => [bound, i]));
  const segments = sorted
    .slice(0, -1)
    .map((start, i): Segment => ({ start, end: sorted[i + 1]!, tokens: [] }));
  for (const [index, { kind, start, end }] of tokens.entries()) {
    if (kind === 'frame') continue;
    for (let i = indexOf.get(inside(start))!; i < indexOf.get(inside(end))!; i++) {
      segments[i]!.tokens.push(index);
    }
  }
  return segments;
}

/** The tokens that have a part of the text from `start` to `end`. */
export function tokensWithin(tokens: readonly Token[], start: number, end: number): number[] {
  return tokens.flatMap((token, index) =>
    token.kind !== 'frame' && token.start < end && token.end > start ? [index] : [],
  );
}
