/** What went wrong, as a stable word that programs may compare. */
export type CheckpointErrorCode =
  | 'ABORTED'
  | 'BAD_BUNDLE'
  | 'BAD_CHECKSUM'
  | 'BAD_INDEX'
  | 'BAD_JSON'
  | 'BAD_NAME'
  | 'BAD_PICKLE'
  | 'BAD_SOURCE'
  | 'BAD_TENSOR'
  | 'BAD_ZIP'
  | 'DISK_FULL'
  | 'DUPLICATE_TENSOR'
  | 'GIT_LFS_POINTER'
  | 'HTML_INSTEAD_OF_JSON'
  | 'HTTP_ERROR'
  | 'IO_ERROR'
  | 'NETWORK_ERROR'
  | 'NOT_FOUND'
  | 'NOT_SUPPORTED'
  | 'PICKLE_REFUSED'
  | 'SAFETENSORS_BAD_HEADER'
  | 'SAFETENSORS_BAD_OFFSETS'
  | 'SAFETENSORS_BAD_SHAPE'
  | 'SAFETENSORS_DUPLICATE_KEY'
  | 'SAFETENSORS_HEADER_TOO_LARGE'
  | 'SAFETENSORS_TRAILING_BYTES'
  | 'SAFETENSORS_TRUNCATED'
  | 'SAFETENSORS_UNSUPPORTED_DTYPE'
  | 'TENSOR_OVERFLOW'
  | 'TENSOR_SIZE'
  | 'TOO_LARGE'
  | 'TRUNCATED'
  | 'UNSUPPORTED_DTYPE'
  | 'WRONG_DTYPE';

export interface CheckpointErrorDetails {
  /** The file (path, URL or name in a folder) in which it went wrong. */
  file?: string | undefined;
  /** The tensor or JSON key concerned. */
  key?: string | undefined;
  cause?: unknown;
}

/** Every error of this package: the message names the file, the key and the reason; `code` is stable. */
export class CheckpointError extends Error {
  override readonly name: string = 'CheckpointError';
  readonly code: CheckpointErrorCode;
  readonly file: string | undefined;
  readonly key: string | undefined;

  constructor(code: CheckpointErrorCode, reason: string, details: CheckpointErrorDetails = {}) {
    const { file, key, cause } = details;
    const where = [file, key === undefined ? undefined : quote(key)].filter((part) => part);
    super([...where, reason].join(': '), cause === undefined ? undefined : { cause });
    this.code = code;
    this.file = file;
    this.key = key;
  }
}

/** A name as an error message shows it: JSON spelling, so that control characters show, and not endless. */
export function quote(name: string): string {
  const short = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return JSON.stringify(short);
}

/** Throws when the signal has been aborted; what was given to `abort()` is the error's cause. */
export function throwIfAborted(signal: AbortSignal | undefined, file?: string): void {
  if (signal?.aborted) throw aborted(signal, file);
}

/** The promise, or an ABORTED error as soon as the signal fires (what was pending is left to itself). */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  file?: string,
): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    promise.catch(() => {});
    throw aborted(signal, file);
  }
  let stop: () => void = () => {};
  const abort = new Promise<never>((_, reject) => {
    stop = () => reject(aborted(signal, file));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, abort]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * What the file system threw, as a CheckpointError that says which file and whether the disk is full. What
 * others threw, such as the function that gives a tensor's data, stays as it is.
 */
export function ioError(cause: unknown, file: string, doing: string): unknown {
  const { code, name, message } = Object(cause) as {
    code?: unknown;
    name?: unknown;
    message?: unknown;
  };
  const isSystems = typeof code === 'string' || name === 'SystemError';
  const isBrowsers = typeof DOMException === 'function' && cause instanceof DOMException;
  if (isCheckpointError(cause) || !(isSystems || isBrowsers)) return cause;
  const why = typeof message === 'string' ? message : String(cause);
  const full = code === 'ENOSPC' || code === 'EDQUOT' || name === 'QuotaExceededError';
  return full
    ? new CheckpointError('DISK_FULL', `no space left ${doing} it (${why})`, { file, cause })
    : new CheckpointError('IO_ERROR', `failed ${doing} it (${why})`, { file, cause });
}

export function isCheckpointError(error: unknown): error is CheckpointError {
  return (error as { name?: unknown } | null | undefined)?.name === 'CheckpointError';
}

function aborted(signal: AbortSignal, file: string | undefined): CheckpointError {
  return new CheckpointError('ABORTED', 'aborted', { file, cause: signal.reason });
}
