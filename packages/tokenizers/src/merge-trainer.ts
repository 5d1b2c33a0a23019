// Byte-pair merges (Gage 1994, Sennrich et al. 2016) from word counts: the most frequent pair of
// neighbouring symbols becomes a symbol, again and again. The order of ties, the alphabet and the
// stopping rule are those of Hugging Face's `BpeTrainer`, which also trains WordPiece.
import { TokenizerError, throwIfAborted } from './errors.js';
import { Merger, type Words } from './merger.js';

export interface TrainingProgress {
  /** 'count': texts are read and their words counted; 'merge': the vocabulary grows. */
  phase: 'count' | 'merge';
  /** Texts read, or tokens in the vocabulary. */
  done: number;
  /** Tokens wanted; unknown while texts are read. */
  total: number | undefined;
}

export interface MergeTrainingOptions {
  /** The number of tokens wanted, special ones and alphabet included (default 30,000). */
  vocabSize?: number;
  /** Pairs seen less often than this are not merged (default 0). */
  minFrequency?: number;
  /** Tokens that come first in the vocabulary, in this order. */
  specialTokens?: readonly string[];
  /** Characters to have in the alphabet even if the text has them not (of each string the first). */
  initialAlphabet?: Iterable<string>;
  /** The most characters in the alphabet: the rarest are left out. */
  limitAlphabet?: number;
  /** What symbols within a word begin with. */
  continuingSubwordPrefix?: string;
  /** What the last symbol of a word ends with. */
  endOfWordSuffix?: string;
  /** Tokens do not get longer than this many characters. */
  maxTokenLength?: number;
  onProgress?: ((progress: TrainingProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface TrainedMerges {
  /** Tokens in the order of their ids. */
  tokens: string[];
  /** Pairs in the order in which they are merged. */
  merges: [left: string, right: string][];
}

/** Learns tokens and merges; gives the event loop a turn now and then. */
export async function trainMerges(
  wordCounts: ReadonlyMap<string, number>,
  options: MergeTrainingOptions = {},
): Promise<TrainedMerges> {
  const {
    vocabSize = 30_000,
    minFrequency = 0,
    maxTokenLength = Number.POSITIVE_INFINITY,
  } = options;
  checkCount('vocabSize', vocabSize, 1);
  checkCount('minFrequency', minFrequency, 0);
  const prefix = options.continuingSubwordPrefix ?? '';

  const tokens = new TokenList();
  for (const token of options.specialTokens ?? []) tokens.add(token);
  const alphabet = alphabetOf(wordCounts, options);
  for (const char of alphabet) tokens.add(char);
  const words = wordsOf(wordCounts, new Set(alphabet), tokens, options);

  const merger = new Merger(words, maxTokenLength);
  const merges = new Map<string, [left: string, right: string]>();
  for (let step = 0; tokens.size < vocabSize; step++) {
    if (step % 64 === 0) {
      options.onProgress?.({ phase: 'merge', done: tokens.size, total: vocabSize });
      await new Promise((resolve) => setTimeout(resolve));
      throwIfAborted(options.signal);
    }
    const top = merger.next();
    if (top === undefined || top.count < 1 || top.count < minFrequency) break;
    const left = tokens.at(top.left);
    const right = tokens.at(top.right);
    const continued =
      prefix !== '' && right.startsWith(prefix) ? right.slice(prefix.length) : right;
    merger.merge(top, tokens.add(left + continued));
    // A pair that is found anew after its token came from elsewhere moves to its later place.
    const key = `${top.left} ${top.right}`;
    merges.delete(key);
    merges.set(key, [left, right]);
  }
  options.onProgress?.({ phase: 'merge', done: tokens.size, total: vocabSize });
  return { tokens: tokens.all, merges: [...merges.values()] };
}

class TokenList {
  readonly all: string[] = [];
  readonly #ids = new Map<string, number>();

  /** The id of a token, which is new or known. */
  add(token: string): number {
    let id = this.#ids.get(token);
    if (id === undefined) {
      id = this.all.push(token) - 1;
      this.#ids.set(token, id);
    }
    return id;
  }

  at(id: number): string {
    return this.all[id]!;
  }

  get size(): number {
    return this.all.length;
  }
}

/** The characters of the words, in the order of their code points. */
function alphabetOf(
  wordCounts: ReadonlyMap<string, number>,
  options: MergeTrainingOptions,
): string[] {
  const counts = new Map<string, number>();
  for (const [word, count] of wordCounts) {
    for (const char of word) counts.set(char, (counts.get(char) ?? 0) + count);
  }
  for (const entry of options.initialAlphabet ?? []) {
    for (const char of entry) {
      counts.set(char, Number.POSITIVE_INFINITY);
      break;
    }
  }
  const byCodePoint = [...counts.keys()].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  if (options.limitAlphabet === undefined || byCodePoint.length <= options.limitAlphabet) {
    return byCodePoint;
  }
  // Of characters seen equally often, those of higher code points go first.
  const common = [...byCodePoint].sort((a, b) => counts.get(b)! - counts.get(a)!);
  const kept = new Set(common.slice(0, options.limitAlphabet));
  return byCodePoint.filter((char) => kept.has(char));
}

/** The words as symbols. Characters that are not in the alphabet are left out of them. */
function wordsOf(
  wordCounts: ReadonlyMap<string, number>,
  alphabet: ReadonlySet<string>,
  tokens: TokenList,
  { continuingSubwordPrefix: prefix = '', endOfWordSuffix: suffix = '' }: MergeTrainingOptions,
): Words {
  const spelled: string[][] = [];
  const forms = new Set<string>(); // symbols that are not the bare character
  let total = 0;
  for (const word of wordCounts.keys()) {
    const chars = [...word];
    const symbols: string[] = [];
    chars.forEach((char, i) => {
      if (!alphabet.has(char)) return;
      const symbol = (i > 0 ? prefix : '') + char + (i === chars.length - 1 ? suffix : '');
      if (symbol !== char) forms.add(symbol);
      symbols.push(symbol);
    });
    spelled.push(symbols);
    total += symbols.length;
  }
  for (const form of [...forms].sort()) tokens.add(form);
  const words: Words = {
    symbols: new Int32Array(total),
    starts: new Int32Array(spelled.length),
    lengths: new Int32Array(spelled.length),
    counts: Float64Array.from(wordCounts.values()),
  };
  let at = 0;
  spelled.forEach((symbols, word) => {
    words.starts[word] = at;
    words.lengths[word] = symbols.length;
    for (const symbol of symbols) words.symbols[at++] = tokens.add(symbol);
  });
  return words;
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new TokenizerError(
      'BAD_OPTION',
      `${name} must be a whole number, ${least} or more, not ${value}`,
    );
  }
}
