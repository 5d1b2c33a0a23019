/** Part of a text: as it is, or one character that would not be seen, with a sign for it. */
export interface Mark {
  text: string;
  sign?: string;
}

/** Spaces, controls, and what has no width; a joiner within an emoji is part of what is seen. */
const unseen =
  /\p{Zs}|\r\n|[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

const SIGNS: Record<string, string> = { ' ': '·', '\n': '↵', '\r\n': '↵', '\t': '→' };

/** Finds what would not be seen. Single spaces are left alone where `spaces` is false. */
export function marksOf(text: string, { spaces }: { spaces: boolean }): Mark[] {
  const marks: Mark[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(unseen)) {
    if (found === ' ' && !spaces) continue;
    if (found === '\u200d' && isJoined(text, index)) continue;
    if (index > from) marks.push({ text: text.slice(from, index) });
    marks.push({ text: found, sign: SIGNS[found] ?? codeOf(found) });
    from = index + found.length;
  }
  if (from < text.length) marks.push({ text: text.slice(from) });
  return marks;
}

function isJoined(text: string, index: number): boolean {
  return (
    /(?:\p{Emoji}|\ufe0f)$/u.test(text.slice(0, index)) && /^\p{Emoji}/u.test(text.slice(index + 1))
  );
}

function codeOf(char: string): string {
  return `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}
