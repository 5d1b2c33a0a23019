import type { Rewriting } from './aligned-text.js';
import {
  canonicalParts,
  compatibleParts,
  decomposed,
  goesBefore,
  isMark,
  isNewerThanReference,
  remembering,
} from './decompose.js';

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
  const parts = decomposed(text, isCompatible ? compatibleParts : canonicalParts);
  return form === 'NFC' || form === 'NFKC' ? compose(parts) : parts;
}

/** Composes what a starter and the marks after it can be composed to, as UAX #15 (D117) has it. */
function compose(parts: Rewriting): Rewriting {
  const composed: Rewriting = [];
  let starter: [char: string, change: number] | undefined; // the last
  let last: string | undefined; // the last mark kept since then
  for (const [char, change] of parts) {
    const isFree = last === undefined || (isMark(char) && goesBefore(last, char));
    const whole = starter && isFree && char >= '\u0300' ? wholeOf(starter[0] + char) : '';
    if (starter && whole !== '') {
      starter[0] = whole;
      starter[1] += change - 1;
      continue;
    }
    const part: [char: string, change: number] = [char, change];
    if (!isMark(char)) {
      starter = part;
      last = undefined;
    } else if (starter) {
      last = char;
    }
    composed.push(part);
  }
  return composed;
}

/** What two characters are composed to, empty if they are not. */
const wholeOf: (both: string) => string = /* @__PURE__ */ remembering((both) => {
  const whole = both.normalize('NFC');
  const single = whole.length === (whole.codePointAt(0)! > 0xffff ? 2 : 1);
  return single && !isNewerThanReference(whole) ? whole : '';
});
