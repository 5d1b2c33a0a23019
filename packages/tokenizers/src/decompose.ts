import type { Rewriting } from './aligned-text.js';
import { CharClasses, lazy } from './unicode.js';
import { YOUNGER_NORMALIZATION } from './unicode-tables.js';

const KNOWN_TO_REFERENCE = 1;
const kinds: () => CharClasses = /* @__PURE__ */ lazy(
  () => new CharClasses([[/^/, KNOWN_TO_REFERENCE]], YOUNGER_NORMALIZATION),
);

/** Whether the reference's Unicode data have nothing of the character, which then stays as it is. */
export function isNewerThanReference(char: string): boolean {
  return char >= '\u0300' && !kinds().has(char.codePointAt(0)!, KNOWN_TO_REFERENCE);
}

type Form = 'NFD' | 'NFKD';
const MOST = 1 << 14;
const known: Record<Form, Map<string, string[]>> = { NFD: new Map(), NFKD: new Map() };

function partsOf(char: string, form: Form): string[] {
  let parts = known[form].get(char);
  if (parts === undefined) {
    parts = isNewerThanReference(char) ? [char] : [...char.normalize(form)];
    if (known[form].size >= MOST) known[form].clear();
    known[form].set(char, parts);
  }
  return parts;
}

/**
 * Canonical (NFD) or compatible (NFKD) decomposition (UAX #15). The data come from the engine, less
 * what is younger than the reference's; as the engine gives no alignment, it is worked out here.
 */
export function decomposed(text: string, form: Form): Rewriting {
  const chars: string[] = [];
  const changes: number[] = [];
  for (const char of text) {
    let change = 0;
    for (const part of partsOf(char, form)) {
      chars.push(part);
      changes.push(change);
      change = 1;
    }
  }
  return inCanonicalOrder(chars, changes);
}

/** Puts marks in order as the engine does. Characters that are alike never overtake each other. */
function inCanonicalOrder(chars: string[], changes: number[]): Rewriting {
  const given = chars.map((char) => (isNewerThanReference(char) ? '\uFFFF' : char));
  const text = given.join('');
  const ordered = text.normalize('NFD');
  if (ordered === text) return { chars, changes };
  const places = new Map<string, number[]>(); // of each character, the last first
  for (let i = given.length - 1; i >= 0; i--) {
    const found = places.get(given[i]!);
    if (found) found.push(i);
    else places.set(given[i]!, [i]);
  }
  const order = Array.from(ordered, (char) => places.get(char)!.pop()!);
  return { chars: order.map((i) => chars[i]!), changes: order.map((i) => changes[i]!) };
}
