// What normalizers other than BERT's do to a text.
import { AlignedText } from './aligned-text.js';

/** Cuts off what is before `start` and after `end`, which still count as part of the original. */
export function stripped(text: AlignedText, start: number, end: number): AlignedText {
  return text.slice(start, end, text.origin);
}

/** Puts `content` before the text; it comes from where the first character came from. */
export function prepended(text: AlignedText, content: string): AlignedText {
  if (text.length === 0) return text;
  const made = new AlignedText(text.origin);
  made.add(content, text.start(0), text.end(1));
  copy(made, text, 0, text.length);
  return made;
}

/** Puts `content` in place of each match; it comes from where the last character replaced came from. */
export function replaced(
  text: AlignedText,
  matches: Iterable<readonly [start: number, end: number]>,
  content: string,
): AlignedText {
  const made = new AlignedText(text.origin);
  let done = 0;
  let isSame = true;
  for (const [start, end] of matches) {
    copy(made, text, done, start);
    made.add(content, end > 0 ? text.start(end - 1) : 0, end > 0 ? text.end(end) : 0);
    done = end;
    isSame = false;
  }
  if (isSame) return text;
  copy(made, text, done, text.length);
  return made;
}

function copy(made: AlignedText, from: AlignedText, start: number, end: number): void {
  for (let i = start; i < end; i++) made.add(from.text[i]!, from.start(i), from.end(i + 1));
}
