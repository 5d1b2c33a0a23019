import { AlignedText } from './aligned-text.js';
import { TokenizerError, throwIfAborted } from './errors.js';
import type { TrainingProgress } from './merge-trainer.js';
import type { Normalizer, PreTokenizer } from './pipeline.js';
import { linesOf, type TextFile } from './text-files.js';
import { wellFormed } from './unicode.js';

/** Texts to train on: all of them, as they come, or the lines of files. */
export type Texts = Iterable<string> | AsyncIterable<string> | { files: Iterable<TextFile> };

export interface CountOptions {
  normalizer?: Normalizer | undefined;
  preTokenizer?: PreTokenizer | undefined;
  /** Cuts a text where no step looks across, so that each distinct part is normalized once only. */
  chunks?: ((text: string) => string[]) | undefined;
  onProgress?: ((progress: TrainingProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** How often each word is in the texts, after normalizer and pre-tokenizer. */
export async function countWords(
  texts: Texts,
  options: CountOptions,
): Promise<Map<string, number>> {
  const { normalizer, preTokenizer, chunks, onProgress, signal } = options;
  if (typeof texts === 'string') {
    throw new TokenizerError(
      'BAD_OPTION',
      'the texts to train on must be an iterable of strings, not one string; for files, give { files: [path] }',
    );
  }
  const chunkCounts = new Map<string, number>();
  let done = 0;
  let turn = performance.now();
  for await (const text of 'files' in texts ? linesOf(texts.files, signal) : texts) {
    for (const chunk of chunks?.(wellFormed(text)) ?? [wellFormed(text)]) {
      chunkCounts.set(chunk, (chunkCounts.get(chunk) ?? 0) + 1);
    }
    done++;
    if (performance.now() - turn > 50) {
      onProgress?.({ phase: 'count', done, total: undefined });
      await new Promise((resolve) => setTimeout(resolve));
      throwIfAborted(signal);
      turn = performance.now();
    }
  }
  throwIfAborted(signal);
  onProgress?.({ phase: 'count', done, total: undefined });
  const wordCounts = new Map<string, number>();
  for (const [chunk, count] of chunkCounts) {
    const original = AlignedText.of(chunk);
    const piece = normalizer?.normalize(original) ?? original;
    if (piece.length === 0) continue;
    for (const { text: word } of preTokenizer?.split([piece]) ?? [piece]) {
      wordCounts.set(word, (wordCounts.get(word) ?? 0) + count);
    }
  }
  return wordCounts;
}
