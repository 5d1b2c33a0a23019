// Oniguruma's syntax of regular expressions, which Hugging Face's files have.
import { unsupported } from './errors.js';

const SPACES = '\\t-\\r\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const WORD = '\\p{L}\\p{M}\\p{N}\\p{Pc}';

/** An escape, a class, the start or end of a group, a quantifier, or any other character. */
const ITEM =
  /\\(?:[pP]\{[^}]*\}|x\{[\da-fA-F]+\}|x[\da-fA-F]{2}|u[\da-fA-F]{4}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:i:|i\)|[:=!>]|<[=!]))?|\)|(?:[*+?]|\{\d*,?\d*\})[+?]?|./gsu;
const ESCAPE = /\\(?:[pP]\{[^}]*\}|x\{[\da-fA-F]+\}|x[\da-fA-F]{2}|u[\da-fA-F]{4}|.)/gsu;

/**
 * A pattern of Oniguruma's in JavaScript's syntax: `\s`, `\w`, `\d` and their opposites over all of
 * Unicode, `(?i:…)` spelled out, and possessive quantifiers by a lookahead that is then repeated.
 */
export function translate(pattern: string): string {
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
