// Byte-level BPE (Radford et al. 2019): text as UTF-8 bytes, each spelled by a visible character.
import { type AlignedText, unitsAt } from './aligned-text.js';
import { prepended } from './edit-text.js';
import type { Decoder, PostProcessor, PreTokenizer } from './pipeline.js';
import { END, type Segment, START, type TextOf, WIDTH } from './segments.js';
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
/** The byte that each of those characters stands for. */
const charBytes: () => ReadonlyMap<string, number> = /* @__PURE__ */ lazy(
  () => new Map(BYTE_CHARS().map((char, byte) => [char, byte])),
);

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
  process(sequences: Segment[], _special: boolean, textOf: TextOf): Segment[] {
    const { trim_offsets, add_prefix_space } = this.json;
    return trim_offsets
      ? sequences.map((segment) => trimOffsets(segment, add_prefix_space, textOf))
      : sequences;
  }
}

/** Leaves leading and trailing spaces out of the offsets (but one that was put before the text). */
export function trimOffsets(segment: Segment, addPrefixSpace: boolean, textOf: TextOf): Segment {
  const cells = segment.cells.slice();
  for (let at = 0; at < cells.length; at += WIDTH) {
    const token = segment.texts[at / WIDTH] ?? textOf(cells[at]!) ?? '';
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
  return { ...segment, cells };
}

function isSpace(token: string, at: number): boolean {
  const unit = token.charCodeAt(at);
  return unit === 0x120 || isWhiteSpace(unit); // 'Ġ' spells the space
}

/** Text of byte characters; bytes that are no UTF-8 become U+FFFD. */
export class ByteLevelDecoder extends ByteLevel implements Decoder {
  decode(tokens: string[]): string[] {
    const bytes = tokens.flatMap((token) => {
      const known = Array.from(token, (char) => charBytes().get(char) ?? -1);
      // A token with other characters, such as an added one, stands for itself.
      return known.includes(-1) ? [...encoder().encode(token)] : known;
    });
    return [new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes))];
  }
}
