/**
 * What went wrong, as a stable word:
 *
 * - `UNSUPPORTED`: a tokenizer file asks for a component or option this package does not have
 * - `BAD_FILE`: a file that is not what it should be (HTML instead of JSON, a broken vocabulary, …)
 * - `NOT_FOUND`: a file that is needed is not there
 * - `BAD_OPTION`: an option with an impossible value, or options that contradict each other
 * - `UNKNOWN_TOKEN`: a piece of text without a token, and no unknown token to stand in for it
 * - `ID_OUT_OF_RANGE`: an id that the vocabulary does not have
 * - `ABORTED`: the signal given was aborted
 * - `THREAD_FAILED`: a thread of a pool ended before its work was done
 */
export type TokenizerErrorCode =
  | 'UNSUPPORTED'
  | 'BAD_FILE'
  | 'NOT_FOUND'
  | 'BAD_OPTION'
  | 'UNKNOWN_TOKEN'
  | 'ID_OUT_OF_RANGE'
  | 'ABORTED'
  | 'THREAD_FAILED';

/** Every error of this package: `code` is stable, `message` says what, where and what to do. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError';
  constructor(
    readonly code: TokenizerErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export function badOption(message: string): never {
  throw new TokenizerError('BAD_OPTION', message);
}

export function badFile(message: string, cause?: unknown): never {
  throw new TokenizerError('BAD_FILE', message, { cause });
}

export function notFound(message: string, cause?: unknown): never {
  throw new TokenizerError('NOT_FOUND', message, { cause });
}

export function unsupported(message: string, cause?: unknown): never {
  throw new TokenizerError('UNSUPPORTED', message, { cause });
}

/** A text, or its beginning, as an error message shows it: JSON spelling, so that control characters show. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

/** The id of the token that stands for what is unknown, as which `word` has to be taken. */
export function unknownId(vocab: ReadonlyMap<string, number>, token: string, word: string): number {
  const id = vocab.get(token);
  if (id === undefined) {
    throw new TokenizerError(
      'UNKNOWN_TOKEN',
      `${quote(word)} is not in the vocabulary, nor is the unknown token ${quote(token)}`,
    );
  }
  return id;
}

/** Throws when the signal has been aborted; what was given to `abort()` is the error's cause. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new TokenizerError('ABORTED', 'aborted', { cause: signal.reason });
}
