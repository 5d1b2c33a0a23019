import type { Rewriting } from './aligned-text.js';
import { decomposed, goesBefore, isMark, isNewerThanReference, remembering } from './decompose.js';

/** Unicode's normalization forms (UAX #15). */
export type NormalizationForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** So many marks in a row take the engine too long. */
const MANY_MARKS = /\p{M}{64}/u;

/** The text in the form, as a rewriting; undefined where it is in it already. */
export function normalized(text: string, form: NormalizationForm): Rewriting | undefined {
  const isQuick = !MANY_MARKS.test(text);
  if (isQuick && text.normalize(form) === text && ![...text].some(isNewerThanReference)) {
    return undefined;
  }
  const isCompatible = form === 'NFKC' || form === 'NFKD';
  const parts = decomposed(text, isCompatible ? 'NFKD' : 'NFD');
  return form === 'NFC' || form === 'NFKC' ? compose(parts) : parts;
}

/** Composes what a starter and the marks after it can be composed to, as UAX #15 (D117) has it. */
function compose({ chars, changes }: Rewriting): Rewriting {
  const composed: Rewriting = { chars: [], changes: [] };
  let starter = -1; // the index in `composed` of the last starter
  let last: string | undefined; // the last mark kept since then
  chars.forEach((char, i) => {
    const isFree = last === undefined || (isMark(char) && goesBefore(last, char));
    if (starter >= 0 && isFree && char >= '\u0300') {
      const whole = wholeOf(composed.chars[starter]! + char);
      if (whole !== '') {
        composed.chars[starter] = whole;
        composed.changes[starter]! += changes[i]! - 1;
        return;
      }
    }
    if (!isMark(char)) {
      starter = composed.chars.length;
      last = undefined;
    } else if (starter >= 0) {
      last = char;
    }
    composed.chars.push(char);
    composed.changes.push(changes[i]!);
  });
  return composed;
}

/** What two characters are composed to, empty if they are not. */
const wholeOf: (both: string) => string = /* @__PURE__ */ remembering((both) => {
  const whole = both.normalize('NFC');
  const single = whole.length === (whole.codePointAt(0)! > 0xffff ? 2 : 1);
  return single && !isNewerThanReference(whole) ? whole : '';
});
