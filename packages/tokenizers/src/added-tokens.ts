import { isWhiteSpace } from './unicode.js';

/** A token that is found in the text as a whole, before anything else is done with it. */
export interface AddedToken {
  content: string;
  /** Its id; without one, the vocabulary's, or the next that is free. */
  id?: number;
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

type KnownToken = Required<AddedToken>;
/** `\w` of Rust's regular expressions. */
const WORD_CHAR: RegExp = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

/** The tokens beside the model's own, and how they are found in a text. */
export class AddedTokens {
  readonly byId: Map<number, KnownToken> = new Map();
  readonly byContent: Map<string, KnownToken> = new Map();
  readonly #vocab: ReadonlyMap<string, number>;
  readonly #normalize: ((text: string) => string) | undefined;
  #raw: Finder | undefined;
  #normalized: Finder | undefined;

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
    for (const { content, ...options } of tokens) {
      if (content === '') continue;
      const known = this.byContent.get(content);
      const id = known?.id ?? this.#vocab.get(content) ?? next;
      if (id === next) next++;
      const special = options.special ?? false;
      const token = {
        content,
        id,
        special,
        normalized: options.normalized ?? !special,
        singleWord: options.singleWord ?? false,
        lstrip: options.lstrip ?? false,
        rstrip: options.rstrip ?? false,
      };
      this.byId.set(id, token);
      this.byContent.set(content, token);
    }
    this.#raw = Finder.of(this.#having(false).map((token) => [token.content, token]));
    this.#normalized = Finder.of(
      this.#having(true).map((token) => [this.#normalize?.(token.content) ?? token.content, token]),
    );
  }

  #having(normalized: boolean): KnownToken[] {
    return [...this.byId.values()].filter((token) => token.normalized === normalized);
  }

  /** Whether any token is to be found in the normalized text, so that it has to be normalized first. */
  get needNormalizedText(): boolean {
    return this.#normalized !== undefined && this.#normalize !== undefined;
  }

  /** The parts of the text as it was given. */
  findRaw(text: string): Found[] {
    return this.#raw?.find(text) ?? whole(text);
  }

  /** The parts of a normalized text. */
  findNormalized(text: string): Found[] {
    return this.#normalized?.find(text) ?? whole(text);
  }
}

/** Finds the leftmost, longest of its patterns, again and again. */
class Finder {
  readonly #pattern: RegExp;
  readonly #tokens: Map<string, KnownToken>;

  private constructor(patterns: [pattern: string, token: KnownToken][]) {
    this.#tokens = new Map(patterns);
    const longestFirst = [...this.#tokens.keys()].sort((a, b) => b.length - a.length);
    this.#pattern = new RegExp(longestFirst.map(escapeRegExp).join('|'), 'g');
  }

  static of(patterns: [pattern: string, token: KnownToken][]): Finder | undefined {
    const some = patterns.filter(([pattern]) => pattern !== '');
    return some.length > 0 ? new Finder(some) : undefined;
  }

  /** All parts of the text, in order. */
  find(text: string): Found[] {
    const pattern = this.#pattern;
    pattern.lastIndex = 0;
    const parts: Found[] = [];
    let done = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const token = this.#tokens.get(match[0])!;
      let start = match.index;
      let end = pattern.lastIndex;
      if (token.singleWord && (endsWithWord(text, start) || startsWithWord(text, end))) continue;
      if (token.lstrip) while (start > done && isWhiteSpace(text.charCodeAt(start - 1))) start--;
      if (token.rstrip) while (end < text.length && isWhiteSpace(text.charCodeAt(end))) end++;
      if (start > done) parts.push({ id: -1, start: done, end: start });
      parts.push({ id: token.id, start, end });
      done = end;
    }
    if (done < text.length) parts.push({ id: -1, start: done, end: text.length });
    return parts;
  }
}

function whole(text: string): Found[] {
  return text === '' ? [] : [{ id: -1, start: 0, end: text.length }];
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function startsWithWord(text: string, at: number): boolean {
  return at < text.length && isWordChar(text.codePointAt(at)!);
}

function endsWithWord(text: string, end: number): boolean {
  if (end === 0) return false;
  const low = text.charCodeAt(end - 1);
  const isPair = end > 1 && low >= 0xdc00 && low < 0xe000;
  return isWordChar(text.codePointAt(end - (isPair ? 2 : 1))!);
}

function isWordChar(code: number): boolean {
  return WORD_CHAR.test(String.fromCodePoint(code));
}
