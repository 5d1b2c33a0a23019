import type { Encoding, Tokenizer } from '@multihead/tokenizers';
import { failureOf } from '../failure.js';
import { bytesOf } from './bytes.js';
import { changesBetween } from './changes.js';
import type { Back, Cut, Result, Token } from './protocol.js';

/**
 * How much of a text is shown, in bytes of UTF-8, of which byte-level BPE may make a token each: as
 * much as one reads, and a page draws at once.
 */
const SHOWN = 2000;

/** What each of the tokenizers makes of the text. */
export function cutAll(tokenizers: ReadonlyMap<string, Tokenizer>, text: string): Result {
  const shown = shownLength(text);
  let characters = 0;
  for (const _ of text) characters++;
  return {
    text,
    characters,
    bytes: new TextEncoder().encode(text).length,
    shown,
    cuts: Array.from(tokenizers, ([id, tokenizer]) => cut(id, tokenizer, text, shown)),
  };
}

/** The text with one tokenizer; that it cannot be cut with this one is told in its place. */
function cut(id: string, tokenizer: Tokenizer, text: string, shown: number): Cut {
  try {
    const started = performance.now();
    const encoding = tokenizer.encode(text, { truncation: false, padding: false });
    const milliseconds = performance.now() - started;
    const isFrame = (i: number) => encoding.specialTokensMask[i] === 1;
    const own = encoding.ids.filter((_, i) => !isFrame(i));
    const unknown = unknownTokens(tokenizer, encoding, text);
    const tokens = shownTokens(tokenizer, encoding, text, shown);
    return {
      id,
      tokens,
      count: encoding.length,
      frame: encoding.length - own.length,
      unknown,
      back: back(tokenizer, text, own, shown, tokens),
      milliseconds,
    };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}

/** How many tokens stand for what the vocabulary cannot write; one written by its name is not such. */
function unknownTokens({ unkTokenId }: Tokenizer, encoding: Encoding, text: string): number {
  const { ids, offsets } = encoding;
  let count = 0;
  for (let i = ids.indexOf(unkTokenId ?? -1); i >= 0; i = ids.indexOf(unkTokenId!, i + 1)) {
    if (!isWritten(encoding.tokens[i]!, text.slice(...offsets[i]!))) count++;
  }
  return count;
}

function isWritten(token: string, found: string): boolean {
  return found.trim() === token.trim();
}

/** The tokens up to the place where what is shown ends. */
function shownTokens(
  tokenizer: Tokenizer,
  encoding: Encoding,
  text: string,
  shown: number,
): Token[] {
  const { ids, offsets, wordIds, specialTokensMask } = encoding;
  const byteLevel = tokenizer.tokenToId('Ġ') !== undefined;
  const specials = new Set(tokenizer.specialTokenIds);
  const tokens: Token[] = [];
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    const [start, end] = offsets[i]!;
    const frame = specialTokensMask[i] === 1;
    // The frame after the text belongs to its end, which is then not shown either.
    if (!frame && start >= shown && shown < text.length) break;
    const piece = encoding.tokens[i]!;
    const written = isWritten(piece, text.slice(start, end));
    const special = specials.has(id);
    const kind = frame
      ? 'frame'
      : special && written
        ? 'special'
        : id === tokenizer.unkTokenId
          ? 'unknown'
          : 'text';
    const bytes = byteLevel && kind === 'text' ? bytesOf(piece) : undefined;
    const plain = bytes?.every((byte) => byte >= 0x20 && byte < 0x7f) ?? true;
    tokens.push({
      id,
      piece,
      start,
      end,
      word: wordIds[i]!,
      kind,
      ...(!plain && { bytes: bytes! }),
    });
  }
  return tokens;
}

/** Whether the ids of the text give it back, and what becomes of the part that is shown. */
function back(
  tokenizer: Tokenizer,
  text: string,
  ids: number[],
  shown: number,
  tokens: Token[],
): Back {
  if (tokenizer.decode(ids) === text) return { same: true, decoded: text.slice(0, shown) };
  const own = tokens.filter(({ kind }) => kind !== 'frame').map(({ id }) => id);
  const decoded = tokenizer.decode(own);
  return { same: false, decoded, changes: changesBetween(text.slice(0, shown), decoded) };
}

/** All of the text, or as much as fits the limit, to a space if one is near: in UTF-16 units. */
export function shownLength(text: string): number {
  let [end, bytes] = [0, 0];
  for (const char of text) {
    bytes += utf8Length(char.codePointAt(0)!);
    if (bytes > SHOWN) {
      const space = text.slice(0, end).search(/\s\S{0,100}$/);
      return space < 0 ? end : space;
    }
    end += char.length;
  }
  return end;
}

function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}
