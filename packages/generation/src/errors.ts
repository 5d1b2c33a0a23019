/**
 * What went wrong, as a stable word:
 *
 * - `BAD_OPTION`: an option there is none of, or a value that means nothing
 * - `CONTRADICTION`: two options that exclude each other, or one that would have no effect
 * - `BAD_INPUT`: prompts or a mask that cannot be read
 * - `EMPTY_PROMPT`: nothing to go on from, and no token that starts a text
 * - `PROMPT_TOO_LONG`: the prompt leaves no room in the context or under `maxLength`
 * - `UNKNOWN_TOKEN`: an option names an id that the model's vocabulary does not have
 * - `CONTEXT_FULL`: the context was full, and `onContextFull` is `'error'`
 * - `NON_FINITE_LOGITS`: the model gave NaN or infinity
 * - `NO_TOKEN_LEFT`: the options rule out every token
 * - `BAD_CONFIG`: a `generation_config.json` that asks for what is not supported
 * - `ABORTED`: the signal was aborted; `cause` is its reason
 */
export type GenerationErrorCode =
  | 'BAD_OPTION'
  | 'CONTRADICTION'
  | 'BAD_INPUT'
  | 'EMPTY_PROMPT'
  | 'PROMPT_TOO_LONG'
  | 'UNKNOWN_TOKEN'
  | 'CONTEXT_FULL'
  | 'NON_FINITE_LOGITS'
  | 'NO_TOKEN_LEFT'
  | 'BAD_CONFIG'
  | 'ABORTED';

/** An error a caller can act on: `code` is stable, `message` says what, where and what to do. */
export class GenerationError extends Error {
  override readonly name = 'GenerationError';
  constructor(
    readonly code: GenerationErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** @throws GenerationError `ABORTED` once the signal has been aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new GenerationError('ABORTED', 'Generation was aborted.', { cause: signal.reason });
}
