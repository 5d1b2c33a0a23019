import type { Bpe } from './bpe.js';
import { BYTE_CHARS, type ByteLevelPreTokenizer, kinds, matchEnd } from './byte-level.js';
import type { FastPath } from './pipeline.js';
import type { TokenSink } from './token-sink.js';
import { hashUnit, LONGEST_CACHED, WordCache } from './word-cache.js';

/**
 * ByteLevel's pre-tokenizer and byte-pair encoding in one pass: each word is looked up in a cache,
 * and only if it is not there, its bytes are merged. For a vocabulary that has all 256 bytes.
 */
export class ByteLevelFastPath implements FastPath {
  readonly #cache = new WordCache();
  readonly #byteIds: Int32Array;
  // Of the bytes of one word: where the character of each begins and ends.
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  private constructor(
    private readonly model: Bpe,
    byteIds: number[],
  ) {
    this.#byteIds = Int32Array.from(byteIds);
  }

  /** The fast path, if it gives the same as the parts do. */
  static of(preTokenizer: ByteLevelPreTokenizer, model: Bpe): ByteLevelFastPath | undefined {
    const { isDeterministic, json, vocab } = model;
    const { add_prefix_space, use_regex } = preTokenizer.json;
    const isPlain =
      isDeterministic &&
      !json.ignore_merges &&
      !json.continuing_subword_prefix &&
      !json.end_of_word_suffix;
    if (!isPlain || add_prefix_space || !use_regex) return undefined;
    const byteIds = BYTE_CHARS().map((char) => vocab.get(char) ?? -1);
    return byteIds.includes(-1) ? undefined : new ByteLevelFastPath(model, byteIds);
  }

  encode(text: string, from: number, to: number, out: TokenSink): void {
    const classes = kinds();
    for (let at = from; at < to; ) {
      const end = matchEnd(text, at, to, classes);
      if (end - at > LONGEST_CACHED) {
        this.#word(text, at, end, out);
      } else {
        let hash = 0;
        for (let i = at; i < end; i++) hash = hashUnit(hash, text.charCodeAt(i));
        if (!this.#cache.emit(text, at, end, hash, out)) {
          const count = out.length;
          const words = out.wordCount;
          this.#word(text, at, end, out);
          this.#cache.add(text, at, end, hash, out, count, words);
        }
      }
      at = end;
    }
  }

  #word(text: string, start: number, end: number, out: TokenSink): void {
    const { row } = this.model;
    const word = out.wordCount++;
    const starts = this.#starts;
    const ends = this.#ends;
    let bytes = 0;
    row.begin();
    for (let at = start; at < end; ) {
      const code = text.codePointAt(at)!;
      const next = at + (code > 0xffff ? 2 : 1);
      const first = bytes;
      if (code < 0x80) {
        row.add(this.#byteIds[code]!, 1);
        bytes++;
      } else {
        for (const byte of utf8(code)) {
          row.add(this.#byteIds[byte]!, 1);
          bytes++;
        }
      }
      for (let byte = first; byte < bytes; byte++) {
        starts[byte] = at;
        ends[byte] = next;
      }
      at = next;
    }
    row.merge();
    row.emit((id, from, to) => out.push(id, starts[from]!, ends[to - 1]!, word));
    if (bytes > 1 << 16) {
      starts.length = 0;
      ends.length = 0;
    }
  }
}

/** The UTF-8 bytes of a code point from U+0080 on. */
function utf8(code: number): number[] {
  const last = 0x80 | (code & 63);
  if (code < 0x800) return [0xc0 | (code >> 6), last];
  const middle = 0x80 | ((code >> 6) & 63);
  if (code < 0x10000) return [0xe0 | (code >> 12), middle, last];
  return [0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), middle, last];
}
