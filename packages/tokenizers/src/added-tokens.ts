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
export interface Found {
  id: number;
  start: number;
  end: number;
}

type KnownToken = Required<AddedToken> & { id: number };

/** The tokens beside the model's own, and how they are found in a text. */
export class AddedTokens {
  readonly byId: Map<number, KnownToken> = new Map();
  readonly byContent: Map<string, KnownToken> = new Map();
  readonly #vocab: ReadonlyMap<string, number>;
  readonly #normalize: ((text: string) => string) | undefined;
  #raw!: Finder;
  #normalized!: Finder;

  constructor(
    tokens: Iterable<AddedToken>,
    vocab: ReadonlyMap<string, number>,
    normalize?: (text: string) => string,
  ) {
    this.#vocab = vocab;
    this.#normalize = normalize;
    this.add(tokens);
  }

  add(tokens: Iterable<AddedToken>): void {
    let next = this.#vocab.size;
    for (const id of this.byId.keys()) if (id >= next) next = id + 1;
    for (const options of tokens) {
      const { content, special = false } = options;
      if (content === '') continue;
      const id = this.byContent.get(content)?.id ?? this.#vocab.get(content) ?? next;
      if (id === next) next++;
      const defaults = { singleWord: false, lstrip: false, rstrip: false, normalized: !special };
      const token = { ...defaults, ...options, special, id };
      this.byId.set(id, token);
      this.byContent.set(content, token);
    }
    const finder = (normalized: boolean, textOf = (content: string) => content) => {
      const those = [...this.byId.values()].filter((token) => token.normalized === normalized);
      return new Finder(those.map((token) => [textOf(token.content), token]));
    };
    this.#raw = finder(false);
    this.#normalized = finder(true, this.#normalize);
  }

  /** Whether any token is to be found in the normalized text, so that it has to be normalized first. */
  get needNormalizedText(): boolean {
    return this.#normalized.findsAny && this.#normalize !== undefined;
  }

  /** The parts of the text as it was given. */
  findRaw(text: string): Found[] {
    return this.#raw.find(text);
  }

  /** The parts of a normalized text. */
  findNormalized(text: string): Found[] {
    return this.#normalized.find(text);
  }
}

/** Finds the leftmost, longest of its patterns, again and again. */
class Finder {
  readonly #pattern: RegExp | undefined;
  readonly #tokens: Map<string, KnownToken>;

  constructor(patterns: [pattern: string, token: KnownToken][]) {
    this.#tokens = new Map(patterns.filter(([pattern]) => pattern !== ''));
    if (this.findsAny) {
      const longestFirst = [...this.#tokens.keys()].sort((a, b) => b.length - a.length);
      const escaped = longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
      this.#pattern = new RegExp(escaped.join('|'), 'g');
    }
  }

  get findsAny(): boolean {
    return this.#tokens.size > 0;
  }

  /** All parts of the text, in order. */
  find(text: string): Found[] {
    const parts: Found[] = [];
    let done = 0;
    for (const { 0: pattern, index } of this.#pattern ? text.matchAll(this.#pattern) : []) {
      const { id, singleWord, lstrip, rstrip } = this.#tokens.get(pattern)!;
      let start = index;
      let end = index + pattern.length;
      if (singleWord && touchesWord(text, start, end)) continue;
      if (lstrip) while (start > done && isWhiteSpace(text.charCodeAt(start - 1))) start--;
      if (rstrip) while (end < text.length && isWhiteSpace(text.charCodeAt(end))) end++;
      if (start > done) parts.push({ id: -1, start: done, end: start });
      parts.push({ id, start, end });
      done = end;
    }
    if (done < text.length) parts.push({ id: -1, start: done, end: text.length });
    return parts;
  }
}

/** `\w` of Rust's regular expressions. */
const WORD_CHAR = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';

/** Whether a character of a word is before `start` or at `end`. */
function touchesWord(text: string, start: number, end: number): boolean {
  const before = new RegExp(`${WORD_CHAR}$`, 'u');
  const after = new RegExp(`^${WORD_CHAR}`, 'u');
  return (
    before.test(text.slice(Math.max(start - 2, 0), start)) || after.test(text.slice(end, end + 2))
  );
}
