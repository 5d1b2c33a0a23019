/**
 * What went wrong, as a stable word:
 *
 * - `USAGE`: options or arguments that mean nothing together (exit code 2)
 * - `BAD_INPUT`: text or a file that the command cannot work on
 * - `NOT_FOUND`: a file or folder that is not there
 * - `ALREADY_EXISTS`: a folder that holds what would be overwritten
 * - `INTERRUPTED`: Ctrl-C (exit code 130)
 */
export type CliErrorCode = 'USAGE' | 'BAD_INPUT' | 'NOT_FOUND' | 'ALREADY_EXISTS' | 'INTERRUPTED';

/** An error for the person who typed the command: one line that says what, where and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    readonly code: CliErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The process's exit code after this error. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof CliError)) return 1;
  return { USAGE: 2, INTERRUPTED: 130 }[error.code as string] ?? 1;
}

/** What is printed for an error: its message if it was meant for people, else that it was not. */
export function messageOf(error: unknown): string {
  const { code, message = String(error) } = error as { code?: unknown; message?: string };
  const line = message.trim().replace(/\s*\n\s*/g, ' ');
  return typeof code === 'string' ? line : `unexpected error: ${line} (--debug shows where)`;
}
