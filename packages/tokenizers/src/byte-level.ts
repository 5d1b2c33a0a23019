// Byte-level BPE (Radford et al. 2019): text as UTF-8 bytes, each spelled by a visible character.
import { type AlignedText, unitsAt } from './aligned-text.js';
import { prepended } from './edit-text.js';
import type { Decoder, PostProcessor, PreTokenizer } from './pipeline.js';
import { END, ID, type Rows, START, TEXT, type TextOf, WIDTH } from './rows.js';
import { CharClasses, isWhiteSpace, lazy, WHITE_SPACE } from './unicode.js';
import { YOUNGER_LETTERS } from './unicode-tables.js';

/** The character that stands for each byte: itself if it is visible, or one from U+0100 on. */
export const BYTE_CHARS: () => readonly string[] = /* @__PURE__ */ lazy(() => {
  let unseen = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(visible ? byte : 256 + unseen++);
  });
});
/** The byte that each of those characters stands for, -1 for others up to U+017F. */
const charBytes: () => Int16Array = /* @__PURE__ */ lazy(() => {
  const bytes = new Int16Array(0x180).fill(-1);
  BYTE_CHARS().forEach((char, byte) => {
    bytes[char.charCodeAt(0)] = byte;
  });
  return bytes;
});

const LETTERS = 1;
const NUMBERS = 2;
const SPACE = 4;
const kinds: () => CharClasses = /* @__PURE__ */ lazy(
  () =>
    new CharClasses(
      [
        [/\p{L}/u, LETTERS],
        [/\p{N}/u, NUMBERS],
        [WHITE_SPACE, SPACE],
      ],
      YOUNGER_LETTERS,
    ),
);

/** What follows an apostrophe in an English contraction. */
const CONTRACTION = /[stmd]|re|ve|ll/y;

/**
 * Where the match at `at` of GPT-2's pattern ends:
 * `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`. Some alternative
 * matches everywhere, so that the matches are the whole text.
 */
export function wordEnd(text: string, at: number, to: number): number {
  const classes = kinds();
  const kindAt = (place: number) => {
    const unit = text.charCodeAt(place);
    return classes.of(unit < 0xd800 || unit > 0xdfff ? unit : text.codePointAt(place)!);
  };
  if (text[at] === "'") {
    CONTRACTION.lastIndex = at + 1;
    if (CONTRACTION.test(text) && CONTRACTION.lastIndex <= to) return CONTRACTION.lastIndex;
  }
  let end = text[at] === ' ' && at + 1 < to ? at + 1 : at;
  const kind = kindAt(end);
  if ((kind & SPACE) === 0) {
    do end += unitsAt(text, end);
    while (end < to && kindAt(end) === kind);
    return Math.min(end, to);
  }
  do end++;
  while (end < to && (kindAt(end) & SPACE) !== 0);
  // The last space before a word belongs to what follows.
  return end < to && end - at > 1 ? end - 1 : end;
}

interface ByteLevelJson {
  /** Put a space before a text that begins without one (default true). */
  add_prefix_space: boolean;
  /** As post-processor: leave spaces out of the offsets (default true). */
  trim_offsets: boolean;
  /** As pre-tokenizer: cut by GPT-2's pattern (default true). */
  use_regex: boolean;
}

class ByteLevel {
  readonly json: ByteLevelJson;

  constructor(json: Partial<ByteLevelJson> = {}) {
    const defaults = { add_prefix_space: true, trim_offsets: true, use_regex: true };
    this.json = { type: 'ByteLevel', ...defaults, ...json } as ByteLevelJson;
  }
}

/** Cuts a text by GPT-2's pattern and spells it in bytes. */
export class ByteLevelPreTokenizer extends ByteLevel implements PreTokenizer {
  split(pieces: AlignedText[]): AlignedText[] {
    const { add_prefix_space, use_regex } = this.json;
    const words: AlignedText[] = [];
    for (const piece of pieces) {
      const text = add_prefix_space && !piece.text.startsWith(' ') ? prepended(piece, ' ') : piece;
      for (let at = 0; at < text.length; ) {
        const end = use_regex ? wordEnd(text.text, at, text.length) : text.length;
        words.push(text.slice(at, end).mapChars(spell));
        at = end;
      }
    }
    return words;
  }
}

/** The words that GPT-2's pattern cuts a text into. */
export function byteLevelWords(text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = wordEnd(text, at, text.length);
    words.push(text.slice(at, end));
    at = end;
  }
  return words;
}

/** A character as its bytes' characters. */
function spell(char: string, code: number): string {
  const chars = BYTE_CHARS();
  if (code < 0x80) return chars[code]!;
  let spelled = '';
  for (const byte of encoder().encode(char)) spelled += chars[byte]!;
  return spelled;
}

const encoder: () => TextEncoder = /* @__PURE__ */ lazy(() => new TextEncoder());

/** Leaves the spaces that tokens begin or end with out of their offsets. */
export class ByteLevelProcessor extends ByteLevel implements PostProcessor {
  process(sequences: Rows[], _special: boolean, textOf: TextOf): Rows[] {
    const { trim_offsets, add_prefix_space } = this.json;
    if (trim_offsets) for (const rows of sequences) trimOffsets(rows, add_prefix_space, textOf);
    return sequences;
  }
}

/** Leaves leading and trailing spaces out of the offsets (but one that was put before the text). */
export function trimOffsets(rows: Rows, addPrefixSpace: boolean, textOf: TextOf): void {
  const { cells, texts, overflowing } = rows;
  for (let at = 0; at < cells.length; at += WIDTH) {
    const token = texts[cells[at + TEXT]! - 1] ?? textOf(cells[at + ID]!) ?? '';
    const start = cells[at + START]!;
    const end = cells[at + END]!;
    let leading = 0;
    while (leading < token.length && isSpace(token, leading)) leading++;
    let trailing = 0;
    while (trailing < token.length && isSpace(token, token.length - 1 - trailing)) trailing++;
    // A space that was put before a character has that one's place, be it of one unit or two.
    if (trailing === token.length) trailing = Math.max(trailing, end - start);
    if (leading === 1 && addPrefixSpace && (at === 0 || start === 0)) leading = 0;
    const trimmed = Math.min(start + leading, end);
    cells[at + START] = trimmed;
    if (trailing > 0 && end >= trailing) cells[at + END] = Math.max(end - trailing, trimmed);
  }
  for (const part of overflowing) trimOffsets(part, addPrefixSpace, textOf);
}

function isSpace(token: string, at: number): boolean {
  const unit = token.charCodeAt(at);
  return unit === 0x120 || isWhiteSpace(unit); // 'Ġ' spells the space
}

/** Text of byte characters; bytes that are no UTF-8 become U+FFFD. */
export class ByteLevelDecoder extends ByteLevel implements Decoder {
  decode(tokens: string[]): string[] {
    const known = charBytes();
    const bytes: number[] = [];
    for (const token of tokens) {
      const start = bytes.length;
      for (let i = 0; i < token.length; i++) {
        const byte = known[token.charCodeAt(i)] ?? -1;
        if (byte < 0) {
          // A token with other characters, such as an added one, stands for itself.
          bytes.length = start;
          for (const own of encoder().encode(token)) bytes.push(own);
          break;
        }
        bytes.push(byte);
      }
    }
    return [new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes))];
  }
}
