// Patterns as Hugging Face's files have them, and what they cut a text into.
import type { AlignedText } from './aligned-text.js';
import { badFile, unsupported } from './errors.js';

/** Part of a text: a match of the pattern, or what is between matches. */
export type Part = readonly [start: number, end: number, isMatch: boolean];

/** `{ "String": … }` or `{ "Regex": … }`. */
interface PatternJson {
  String?: string;
  Regex?: string;
}

/** A regular expression of Oniguruma's as one of JavaScript's. */
export type Translate = (regex: string) => string;

/**
 * Takes a pattern as it is, for families whose patterns mean the same in both languages.
 *
 * @throws TokenizerError `UNSUPPORTED` for `\d`, `\w` and the like, and for `&&`: JavaScript has other meanings for them
 */
function asItIs(regex: string): string {
  if (/\\(?![pP\W])|&&/.test(regex)) {
    unsupported(`the pattern ${regex}: loadTokenizer reads such escapes, and &&`);
  }
  return regex;
}

/** A pattern that finds the leftmost match again and again. */
export class Pattern {
  readonly #regExp: RegExp;

  /** @param json a text to be found as it is, or as `tokenizer.json` has it */
  constructor(json: unknown, translate: Translate = asItIs) {
    const { String: literal, Regex: regex } =
      typeof json === 'string' ? ({ String: json } as PatternJson) : ((json ?? {}) as PatternJson);
    if (literal === undefined && regex === undefined) {
      badFile('tokenizer.json: a pattern is neither a String nor a Regex');
    }
    const source = literal !== undefined ? escapeLiteral(literal) : translate(regex!);
    try {
      this.#regExp = new RegExp(source, 'gu');
    } catch (cause) {
      unsupported(
        `the pattern ${regex} has a construct that JavaScript lacks (${(cause as Error).message})`,
        cause,
      );
    }
  }

  /** The matches of a text. */
  *matches(text: string): Generator<[start: number, end: number]> {
    const regExp = this.#regExp;
    regExp.lastIndex = 0;
    for (let match = regExp.exec(text); match !== null; match = regExp.exec(text)) {
      const end = match.index + match[0].length;
      if (match[0] === '') regExp.lastIndex += text.codePointAt(end)! > 0xffff ? 2 : 1;
      yield [match.index, end];
      regExp.lastIndex = Math.max(regExp.lastIndex, end);
    }
  }

  /** The whole text, as matches and what is between them. */
  parts(text: string): Part[] {
    const parts: Part[] = [];
    let done = 0;
    for (const [start, end] of this.matches(text)) {
      if (start > done) parts.push([done, start, false]);
      parts.push([start, end, true]);
      done = end;
    }
    if (done < text.length) parts.push([done, text.length, false]);
    return parts;
  }
}

/** The whole text, as single characters that `isMatch` holds for and what is between them. */
export function charParts(text: string, isMatch: (code: number) => boolean): Part[] {
  const parts: Part[] = [];
  let done = 0;
  let at = 0;
  for (const char of text) {
    const end = at + char.length;
    if (isMatch(char.codePointAt(0)!)) {
      if (at > done) parts.push([done, at, false]);
      parts.push([at, end, true]);
      done = end;
    }
    at = end;
  }
  if (done < at) parts.push([done, at, false]);
  return parts;
}

/** What becomes of the matches at which a text is cut. */
export const SPLIT_BEHAVIORS = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] as const;
export type SplitBehavior = (typeof SPLIT_BEHAVIORS)[number];

/** Cuts a piece at its parts. Empty pieces are left out. */
export function splitPiece(
  piece: AlignedText,
  parts: Part[],
  behavior: SplitBehavior,
): AlignedText[] {
  const kept: [start: number, end: number][] = [];
  let previous = false; // whether the part before was a match
  const ordered = behavior === 'MergedWithNext' ? [...parts].reverse() : parts;
  for (const [start, end, isMatch] of ordered) {
    const last = kept[kept.length - 1];
    const joins =
      behavior === 'Contiguous'
        ? isMatch === previous
        : behavior !== 'Isolated' && behavior !== 'Removed' && isMatch && !previous;
    if (behavior === 'Removed' && isMatch) continue;
    if (joins && last !== undefined) {
      if (behavior === 'MergedWithNext') last[0] = start;
      else last[1] = end;
    } else {
      kept.push([start, end]);
    }
    previous = isMatch;
  }
  if (behavior === 'MergedWithNext') kept.reverse();
  return kept.filter(([start, end]) => start < end).map(([start, end]) => piece.slice(start, end));
}

function escapeLiteral(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
