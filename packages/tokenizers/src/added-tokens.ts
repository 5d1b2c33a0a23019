import { isWhiteSpace } from './unicode.js';

/** A token that is found in the text as a whole, before anything else is done with it. */
export interface AddedToken {
  content: string;
  /** Left out by `decode(ids, { skipSpecialTokens: true })` (default false). */
  special?: boolean;
  /** Found in the normalized text, by its normalized content (default: unless special). */
  normalized?: boolean;
  /** Found only where no letter or digit touches it (default false). */
  singleWord?: boolean;
  /** Takes in the white space before it (default false). */
  lstrip?: boolean;
  /** Takes in the white space after it (default false). */
  rstrip?: boolean;
}

/** Part of a text: a token found (`id` ≥ 0), or what is between tokens (-1). */
export type Found = readonly [id: number, start: number, end: number];

type KnownToken = Required<AddedToken> & { id: number };

/** The tokens beside the model's own, and how they are found in a text. */
export class AddedTokens {
  readonly byContent: Map<string, KnownToken> = new Map();
  /** Whether any token is to be found in the normalized text. */
  anyNormalized = false;
  readonly #vocab: ReadonlyMap<string, number>;
  readonly #normalize: (text: string) => string;
  #finders!: ((text: string) => Found[])[]; // in the raw text, and then in the normalized one

  constructor(
    tokens: Iterable<AddedToken>,
    vocab: ReadonlyMap<string, number>,
    normalize: (text: string) => string,
  ) {
    this.#vocab = vocab;
    this.#normalize = normalize;
    this.add(tokens);
  }

  add(tokens: Iterable<AddedToken>): void {
    const known = this.byContent;
    let next = this.#vocab.size;
    for (const { id } of known.values()) if (id >= next) next = id + 1;
    for (const options of tokens) {
      const { content, special = false } = options;
      if (content === '') continue;
      const id = known.get(content)?.id ?? this.#vocab.get(content) ?? next;
      if (id === next) next++;
      const defaults = { singleWord: false, lstrip: false, rstrip: false, normalized: !special };
      known.set(content, { ...defaults, ...options, special, id });
    }
    this.#finders = [false, true].map((normalized) => {
      const patterns = new Map<string, KnownToken>();
      for (const token of known.values()) {
        if (token.normalized !== normalized) continue;
        patterns.set(normalized ? this.#normalize(token.content) : token.content, token);
      }
      patterns.delete('');
      this.anyNormalized = patterns.size > 0;
      return finderOf(patterns);
    });
  }

  /** All parts of a text as it was given or, after that, of a normalized one, in order. */
  find(text: string, isNormalized = false): Found[] {
    return this.#finders[+isNormalized]!(text);
  }
}

/** What finds the leftmost, longest of its patterns, again and again. */
function finderOf(tokens: ReadonlyMap<string, KnownToken>): (text: string) => Found[] {
  const longestFirst = [...tokens.keys()].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  const pattern = new RegExp(escaped.join('|'), 'g');
  return (text) => {
    const parts: Found[] = [];
    let done = 0;
    for (const { 0: found, index } of tokens.size > 0 ? text.matchAll(pattern) : []) {
      const { id, singleWord, lstrip, rstrip } = tokens.get(found)!;
      let start = index;
      let end = index + found.length;
      if (singleWord && touchesWord(text, start, end)) continue;
      if (lstrip) while (start > done && isWhiteSpace(text.charCodeAt(start - 1))) start--;
      if (rstrip) while (end < text.length && isWhiteSpace(text.charCodeAt(end))) end++;
      if (start > done) parts.push([-1, done, start]);
      parts.push([id, start, end]);
      done = end;
    }
    if (done < text.length) parts.push([-1, done, text.length]);
    return parts;
  };
}

/** `\w` of Rust's regular expressions. */
const WORD_CHAR = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

/** Whether a character of a word is before `start` or at `end`. */
function touchesWord(text: string, start: number, end: number): boolean {
  const before = [...text.slice(Math.max(start - 2, 0), start)].at(-1) ?? '';
  const [after = ''] = text.slice(end, end + 2);
  return WORD_CHAR.test(before) || WORD_CHAR.test(after);
}
