import type { Settings } from './settings.js';

/**
 * Why a text ended: an end token, a stop string, the greatest length, or a full context with
 * `onContextFull: 'stop'`.
 */
export type FinishReason = 'eos' | 'stopString' | 'length' | 'context';

/** Why a row ends with its last token, if it does. */
export function finishReason(
  ids: readonly number[],
  { eos, stopStrings, maxLength, tokenizer }: Settings,
): FinishReason | undefined {
  if (eos.includes(ids.at(-1)!)) return 'eos';
  if (stopStrings.length > 0 && endsWith(stopStrings, ids, (some) => tokenizer!.decode(some))) {
    return 'stopString';
  }
  return ids.length >= maxLength ? 'length' : undefined;
}

/**
 * Whether the last token completes one of the strings. Only the end of the text is looked at, so that
 * the cost does not grow with its length: four tokens for each character and a few more, since a
 * character takes up to four byte tokens.
 */
function endsWith(
  strings: readonly string[],
  ids: readonly number[],
  decode: (ids: readonly number[]) => string,
): boolean {
  const longest = Math.max(...strings.map((text) => text.length));
  const end = ids.slice(-(4 * longest + 4));
  const text = decode(end);
  // Text before the last token; what is not yet a character is none.
  const before = decode(end.slice(0, -1)).replace(/\uFFFD+$/, '');
  return strings.some((string) => {
    const at = text.lastIndexOf(string);
    return at >= 0 && at + string.length > before.length;
  });
}
