import { AlignedText } from './aligned-text.js';
import { type BertNormalizer, isChinese } from './bert-normalizer.js';
import type { FastPath, Model, PreTokenizer } from './pipeline.js';
import type { TokenSink } from './token-sink.js';
import { hashUnit, LONGEST_CACHED, WordCache } from './word-cache.js';

const ODD = 1; // belongs to a chunk that has to be normalized character by character
const SPACE = 2;
const ALONE = 3; // a word by itself, and normalizing leaves it as it is

/**
 * BertNormalizer, BertPreTokenizer and a model in one pass. The text is cut at characters where no
 * step looks across: ASCII white space and punctuation, and ideographs that stand alone. What is
 * between, a chunk, is looked up in a cache, and goes through the pipeline once if it is not there.
 */
export class BertFastPath implements FastPath {
  readonly #cache = new WordCache();
  readonly #kinds: Uint8Array;

  constructor(
    private readonly normalizer: BertNormalizer,
    private readonly preTokenizer: PreTokenizer,
    private readonly model: Model,
  ) {
    this.#kinds = new Uint8Array(0x10000).fill(ODD);
    for (let unit = 0; unit < 128; unit++) {
      const char = String.fromCharCode(unit);
      if (/[\t\n\r ]/.test(char)) this.#kinds[unit] = SPACE;
      else if (/[a-z0-9]/i.test(char)) this.#kinds[unit] = 0;
      else if (/[!-~]/.test(char)) this.#kinds[unit] = ALONE;
    }
    // The compatibility ideographs from U+F900 on are not among them: they decompose.
    if (normalizer.json.handle_chinese_chars) {
      for (let unit = 0x3400; unit < 0xa000; unit++) if (isChinese(unit)) this.#kinds[unit] = ALONE;
    }
  }

  encode(text: string, from: number, to: number, out: TokenSink): void {
    const kinds = this.#kinds;
    const cache = this.#cache;
    let at = from;
    while (at < to) {
      let unit = text.charCodeAt(at);
      let kind = kinds[unit]!;
      const start = at++;
      if (kind === SPACE) continue;
      let hash = hashUnit(0, unit);
      let odd = kind;
      if (kind !== ALONE) {
        for (; at < to; at++) {
          unit = text.charCodeAt(at);
          kind = kinds[unit]!;
          if (kind >= SPACE) break;
          odd |= kind;
          hash = hashUnit(hash, unit);
        }
      }
      if (cache.emit(text, start, at, hash, out)) continue;
      const count = out.length;
      const words = out.wordCount;
      if (odd === ODD) this.#pipeline(text, start, at, out);
      else this.#word(text, start, at, out);
      if (at - start <= LONGEST_CACHED) cache.add(text, start, at, hash, out, count, words);
    }
  }

  /** A chunk that is one word, and of which normalizing only lowers the case. */
  #word(text: string, start: number, end: number, out: TokenSink): void {
    const chunk = text.slice(start, end);
    const word = out.wordCount++;
    this.model.tokenize(
      this.normalizer.json.lowercase ? chunk.toLowerCase() : chunk,
      (id, from, to) => out.push(id, start + from, start + to, word),
    );
  }

  #pipeline(text: string, start: number, end: number, out: TokenSink): void {
    const normalized = this.normalizer.normalize(AlignedText.of(text.slice(start, end), start));
    for (const piece of this.preTokenizer.split([normalized])) {
      const word = out.wordCount++;
      this.model.tokenize(piece.text, (id, from, to) =>
        out.push(id, piece.start(from), piece.end(to), word),
      );
    }
  }
}
