// Patterns as Hugging Face's files have them (Oniguruma's syntax), and what they cut a text into.
import type { AlignedText } from './aligned-text.js';
import { badFile, unsupported } from './errors.js';

/** Part of a text: a match of the pattern, or what is between matches. */
export type Part = readonly [start: number, end: number, isMatch: boolean];

/** `{ "String": … }` or `{ "Regex": … }`. */
interface PatternJson {
  String?: string;
  Regex?: string;
}

const SPACES = '\\t-\\r\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const WORD = '\\p{L}\\p{M}\\p{N}\\p{Pc}';

/** A pattern that finds the leftmost match again and again. */
export class Pattern {
  readonly #regExp: RegExp;

  /** @param json a text to be found as it is, or as `tokenizer.json` has it */
  constructor(json: unknown) {
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

/** An escape, a class, the start or end of a group, a quantifier, or any other character. */
const ITEM =
  /\\(?:[pP]\{[^}]*\}|x\{[\da-fA-F]+\}|x[\da-fA-F]{2}|u[\da-fA-F]{4}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:i:|i\)|[:=!>]|<[=!]))?|\)|(?:[*+?]|\{\d*,?\d*\})[+?]?|./gsu;
const ESCAPE = /\\(?:[pP]\{[^}]*\}|x\{[\da-fA-F]+\}|x[\da-fA-F]{2}|u[\da-fA-F]{4}|.)/gsu;

/**
 * A pattern of Oniguruma's in JavaScript's syntax: `\s`, `\w`, `\d` and their opposites over all of
 * Unicode, `(?i:…)` spelled out, and possessive quantifiers by a lookahead that is then repeated.
 */
function translate(pattern: string): string {
  let source = '';
  let captures = 0;
  let last = 0; // where in `source` the item that a quantifier would follow begins
  const groups: { start: number; ignoreCase: boolean }[] = [{ start: 0, ignoreCase: false }];
  for (const [item] of pattern.matchAll(ITEM)) {
    const group = groups[groups.length - 1]!;
    const start = source.length;
    if (item === '(?i)') {
      group.ignoreCase = true;
    } else if (item === ')') {
      source += item;
      last = groups.length > 1 ? groups.pop()!.start : 0;
    } else if (item[0] === '(') {
      if (item === '(?>') lacks(pattern, 'an atomic group');
      if (item === '(') captures++;
      groups.push({ start, ignoreCase: group.ignoreCase || item === '(?i:' });
      source += item === '(?i:' ? '(?:' : item;
    } else if (/^[*+?]\+$/.test(item)) {
      const possessive = `${source.slice(last)}${item[0]}`;
      source = `${source.slice(0, last)}(?=(${possessive}))\\${++captures}`;
    } else if (/^(?:[*+?]|\{\d)/.test(item)) {
      source += item;
    } else {
      source += translateItem(pattern, item, group.ignoreCase);
      last = start;
    }
  }
  return source;
}

/** One character, class or escape. */
function translateItem(pattern: string, item: string, ignoreCase: boolean): string {
  if (item[0] === '\\') return translateEscape(pattern, item, false);
  if (item.length > 1 && item[0] === '[') {
    const body = item.slice(1, -1);
    if (/\[|&&/.test(body.replace(ESCAPE, ''))) lacks(pattern, 'a class within a class');
    const translated = body.replace(ESCAPE, (sequence) => translateEscape(pattern, sequence, true));
    return `[${ignoreCase ? bothCases(translated) : translated}]`;
  }
  const lower = item.toLowerCase();
  const upper = item.toUpperCase();
  if (ignoreCase && lower !== upper) return `[${lower}${upper}]`;
  return item === ']' || item === '{' || item === '}' ? `\\${item}` : item;
}

/** A class's body with its ASCII letters and ranges of them in both cases. */
function bothCases(body: string): string {
  const letters = body.replace(ESCAPE, '').match(/[a-z]-[a-z]|[a-z]/gi) ?? [];
  return body + letters.map((part) => part.toLowerCase() + part.toUpperCase()).join('');
}

function translateEscape(pattern: string, sequence: string, inClass: boolean): string {
  const set = (body: string) => (inClass ? body : `[${body}]`);
  const opposite = (body: string) =>
    inClass ? lacks(pattern, `${sequence} in a class`) : `[^${body}]`;
  if (sequence === '\\s') return set(SPACES);
  if (sequence === '\\S') return opposite(SPACES);
  if (sequence === '\\w') return set(WORD);
  if (sequence === '\\W') return opposite(WORD);
  if (sequence === '\\d') return '\\p{Nd}';
  if (sequence === '\\D') return '\\P{Nd}';
  if (sequence === '\\h') return set('0-9a-fA-F');
  if (sequence === '\\A') return '(?<![\\s\\S])';
  if (sequence === '\\z') return '(?![\\s\\S])';
  if (sequence.startsWith('\\x{')) return `\\u${sequence.slice(2)}`;
  // With the `u` flag only characters with a meaning may be escaped.
  const needless =
    /^\\[^\w^$\\.*+?()[\]{}|/-]$/u.test(sequence) || (sequence === '\\-' && !inClass);
  return needless ? sequence.slice(1) : sequence;
}

function lacks(pattern: string, construct: string): never {
  return unsupported(`the pattern ${pattern}: ${construct} is not supported`);
}
