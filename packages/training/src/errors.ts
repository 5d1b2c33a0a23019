/**
 * What went wrong, as a stable word:
 *
 * - `ABORTED`: the signal was aborted; `cause` is its reason
 * - `BAD_OPTION`: an option that means nothing, or two that contradict each other
 * - `BAD_BATCH`: the model gave no loss for a batch, or a collator got examples it cannot use
 * - `NON_FINITE_LOSS`, `NON_FINITE_GRADIENT`: training diverged; weights are those of the last step
 * - `CHECKPOINTS_EXIST`: the folder holds another run's checkpoints and `resume` is off
 * - `BAD_CHECKPOINT`: a checkpoint contradicts itself or the model
 * - `RESUME_MISMATCH`: the checkpoint is of a run with other settings or other data
 */
export type TrainingErrorCode =
  | 'ABORTED'
  | 'BAD_OPTION'
  | 'BAD_BATCH'
  | 'NON_FINITE_LOSS'
  | 'NON_FINITE_GRADIENT'
  | 'CHECKPOINTS_EXIST'
  | 'BAD_CHECKPOINT'
  | 'RESUME_MISMATCH';

/** An error a caller can act on: `code` is stable, `message` says what, where and what to do. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
  constructor(
    readonly code: TrainingErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** @throws TrainingError `ABORTED` once the signal has been aborted */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (!signal?.aborted) return;
  throw new TrainingError('ABORTED', `Aborted ${where}.`, { cause: signal.reason });
}

/** @throws TrainingError `BAD_OPTION` unless `value` is a whole number from `least` up */
export function expectWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new TrainingError(
    'BAD_OPTION',
    `${name} is ${value}; it must be a whole number ≥ ${least}.`,
  );
}

/** @throws TrainingError `BAD_OPTION` unless `value` is in [from, below) */
export function expectRange(name: string, value: number, from: number, below: number): void {
  if (value >= from && value < below) return;
  throw new TrainingError('BAD_OPTION', `${name} is ${value}; it must be in [${from}, ${below}).`);
}

/** Whether this is what an operation that watches `signal` throws when it is aborted. */
export function isAbort(error: unknown, signal: AbortSignal | undefined): boolean {
  if (!signal?.aborted) return false;
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return error === signal.reason || name === 'AbortError' || code === 'ABORTED';
}
