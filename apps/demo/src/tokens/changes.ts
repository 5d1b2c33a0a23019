import { diffWordsWithSpace } from 'diff';
import type { Change } from './protocol.js';

/** Where more than this many words differ, listing them would be of no use. */
const MOST = 1500;

/** What becomes of the words of a text, spaces included; undefined where too much of it changes. */
export function changesBetween(before: string, after: string): Change[] | undefined {
  const parts = diffWordsWithSpace(before, after, { maxEditLength: MOST, timeout: 300 });
  return parts?.map(({ value, added, removed }) => ({
    kind: added ? 'new' : removed ? 'lost' : 'same',
    text: value,
  }));
}
