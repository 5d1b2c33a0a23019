import pc from 'picocolors';
import { visible } from './output.js';
import type { PlacedToken } from './placed-token.js';

/** Colours that neighbouring tokens take in turn. */
const COLORS = [pc.bgCyan, pc.bgYellow, pc.bgGreen, pc.bgMagenta];

/**
 * The text with its tokens told apart: by colours, or by a line between them where there are none.
 * What was put in stands between, dim. A token that shares all its characters with the one before, as
 * the bytes of an emoji do, is a point (or one more line).
 */
export function formatInline(tokens: readonly PlacedToken[]): string {
  const parts: string[] = [];
  let sequence: number | undefined;
  let at = 0;
  let turn = 0;
  for (const { token, isUnknown, source } of tokens) {
    if (source === undefined) {
      parts.push(parts.length > 0 ? ' ' : '', pc.dim(visible(token)));
      sequence = undefined;
      continue;
    }
    if (source.sequence !== sequence) {
      if (parts.length > 0) parts.push(' ');
      sequence = source.sequence;
      at = source.start;
    } else if (source.start > at) {
      parts.push(visible(source.text.slice(at, source.start)));
    } else if (!pc.isColorSupported) {
      parts.push('│');
    }
    const own = visible(source.text.slice(Math.max(at, source.start), source.end));
    parts.push(paint(own, isUnknown ? pc.bgRed : COLORS[turn++ % COLORS.length]!));
    at = Math.max(at, source.end);
  }
  return parts.join('');
}

function paint(text: string, background: (text: string) => string): string {
  return pc.isColorSupported ? background(pc.black(text === '' ? '·' : text)) : text;
}
