import { CheckpointError, orAborted, throwIfAborted } from './errors.js';

/** Anything that bytes come from in pieces. A piece is only valid until the next one is asked for. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const firstAllocation = 1 << 20;

/** Cuts a stream of bytes into pieces of asked-for lengths. */
export class ByteReader {
  #rest: Uint8Array = new Uint8Array(0);
  #ended = false;
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #file: string | undefined;

  constructor(chunks: Chunks, signal?: AbortSignal, file?: string) {
    this.#iterator =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
    this.#signal = signal;
    this.#file = file;
  }

  /**
   * The next `length` bytes in memory of their own, fewer only where the stream ends. Unless the length
   * is `trusted` (it was held against the size of the file), no more is allocated than twice what came.
   */
  async read(
    length: number,
    trusted: boolean,
    onBytes?: (count: number) => void,
  ): Promise<Uint8Array> {
    let out = new Uint8Array(trusted ? length : Math.min(length, firstAllocation));
    let filled = 0;
    while (filled < length) {
      if (this.#rest.byteLength === 0 && !(await this.#next())) return out.slice(0, filled);
      if (filled === out.byteLength) {
        const larger = new Uint8Array(Math.min(length, filled * 2));
        larger.set(out);
        out = larger;
      }
      const count = Math.min(this.#rest.byteLength, out.byteLength - filled);
      out.set(this.#rest.subarray(0, count), filled);
      this.#rest = this.#rest.subarray(count);
      filled += count;
      onBytes?.(count);
    }
    return out;
  }

  /** Whether the stream has no more bytes. */
  async ended(): Promise<boolean> {
    return this.#rest.byteLength === 0 && !(await this.#next());
  }

  /** Lets go of what the bytes come from. */
  async close(): Promise<void> {
    this.#ended = true;
    // An aborted read may never settle, so it is told to stop but not waited for.
    const closing = Promise.resolve(this.#iterator.return?.()).catch(() => {});
    if (!this.#signal?.aborted) await closing;
  }

  async #next(): Promise<boolean> {
    while (!this.#ended) {
      throwIfAborted(this.#signal, this.#file);
      const next = this.#iterator.next();
      const { done, value } = await orAborted(Promise.resolve(next), this.#signal, this.#file);
      if (done) {
        this.#ended = true;
      } else if (!ArrayBuffer.isView(value)) {
        throw new CheckpointError('BAD_SOURCE', 'the stream gives something other than bytes', {
          file: this.#file,
        });
      } else if (value.byteLength > 0) {
        this.#rest = value;
        return true;
      }
    }
    return false;
  }
}

/**
 * The pieces of a web stream (not every browser lets one iterate over it). The signal ends a read that
 * waits for bytes which may never come.
 */
export async function* streamChunks(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    await reader.cancel().catch(() => {});
  }
}

/** UTF-8 as text; what is not UTF-8 is an error, not a replacement character. */
export function decodeText(bytes: Uint8Array, file?: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError('BAD_JSON', 'not valid UTF-8 text', { file, cause });
  }
}

/** Pieces as a web stream. `onError` hears what ended it, which not everyone who reads it passes on. */
export function toStream(
  chunks: Chunks,
  onError: (error: unknown) => void = () => {},
): ReadableStream<Uint8Array> {
  const iterator = (async function* () {
    yield* chunks;
  })();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        onError(error);
        controller.error(error);
      }
    },
    cancel: async () => {
      await iterator.return(undefined);
    },
  });
}
