/** What went wrong, as whoever threw it says it. */
export interface Failure {
  /** The error's own stable word, where it has one. */
  code: string;
  message: string;
}

/** What an error says of itself, to be sent from a worker. */
export function failureOf(error: unknown): Failure {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : 'UNKNOWN',
    message: typeof message === 'string' ? message : String(error),
  };
}
