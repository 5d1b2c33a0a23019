import { countWords, type Texts } from './count-words.js';
import { TokenizerError } from './errors.js';
import type { TrainingProgress } from './merge-trainer.js';
import { TransfoXLTokenizer, type TransfoXLTokenizerOptions } from './transfo-xl-tokenizer.js';

export interface WordLevelTrainingOptions extends TransfoXLTokenizerOptions {
  /** The number of words wanted, special tokens included (default 30,000). */
  vocabSize?: number;
  /** Words seen less often than this are left out (default 0). */
  minFrequency?: number;
  /** Tokens that come first in the vocabulary (default `<unk>` and `<eos>`). */
  specialTokens?: readonly string[];
  onProgress?: ((progress: TrainingProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Makes a list of the most frequent words, for Transformer-XL: those that Hugging Face's
 * `WordLevelTrainer` finds, the equally frequent in the order of their characters.
 *
 * @throws TokenizerError `ABORTED` when the signal fires, `BAD_OPTION` for impossible options
 */
export async function trainWordLevel(
  texts: Texts,
  options: WordLevelTrainingOptions = {},
): Promise<TransfoXLTokenizer> {
  const { vocabSize, minFrequency, onProgress, signal, specialTokens, ...tokenizerOptions } =
    options;
  const special = specialTokens ?? [
    tokenizerOptions.unkToken ?? '<unk>',
    tokenizerOptions.eosToken ?? '<eos>',
  ];
  const { normalizer, preTokenizer } = TransfoXLTokenizer.fromVocab(special, {
    ...tokenizerOptions,
    addEos: false,
  }).parts;
  const wordCounts = await countWords(texts, { normalizer, preTokenizer, onProgress, signal });
  const words = mostFrequentWords(wordCounts, { vocabSize, minFrequency, specialTokens: special });
  onProgress?.({ phase: 'merge', done: words.length, total: vocabSize ?? 30_000 });
  return TransfoXLTokenizer.fromVocab(words, tokenizerOptions);
}

/** The special tokens, and then the words by how often they were seen. */
export function mostFrequentWords(
  wordCounts: ReadonlyMap<string, number>,
  options: {
    vocabSize?: number | undefined;
    minFrequency?: number | undefined;
    specialTokens: readonly string[];
  },
): string[] {
  const { vocabSize = 30_000, minFrequency = 0, specialTokens } = options;
  for (const [name, value] of Object.entries({ vocabSize, minFrequency })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new TokenizerError(
        'BAD_OPTION',
        `${name} must be a whole number, 0 or more, not ${value}`,
      );
    }
  }
  const words = new Set(specialTokens);
  const frequent = [...wordCounts].filter(([, count]) => count >= minFrequency);
  frequent.sort(([a, countA], [b, countB]) => countB - countA || compareCodePoints(a, b));
  for (const [word] of frequent) {
    if (words.size >= vocabSize) break;
    words.add(word);
  }
  return [...words];
}

/** The order of UTF-8, which is not that of UTF-16 beyond U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const high = (unit: number) => unit >= 0xd800 && unit < 0xe000;
    return high(x) === high(y) ? x - y : high(x) ? 1 : -1;
  }
  return a.length - b.length;
}
