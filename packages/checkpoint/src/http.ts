import { streamChunks } from './bytes.js';
import { CheckpointError, isCheckpointError, orAborted, throwIfAborted } from './errors.js';
import { htmlInstead } from './json.js';
import { type FileSource, type OpenFile, type OpenOptions, readAll } from './source.js';

export interface HttpOptions {
  /** Used in place of the global fetch, to add headers such as a token's, or to go by another way. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** A folder behind an address. It is read as it arrives; keeping it is left to the browser's own cache. */
export function urlSource(
  address: string,
  options: HttpOptions & { localFilesOnly?: boolean | undefined },
): FileSource {
  if (options.localFilesOnly) {
    const reason = 'localFilesOnly is for paths and hub ids: what an address gives is not kept';
    throw new CheckpointError('NOT_SUPPORTED', reason, { file: address });
  }
  const base = new URL(address);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const describe = (name: string) => {
    const url = new URL(name.split('/').map(encodeURIComponent).join('/'), base);
    url.search = base.search; // what a signed address needs
    return url.href;
  };
  return {
    source: address,
    describe,
    open: async (name, { signal, headOnly } = {}) => {
      if (headOnly) return openInParts(describe(name), { signal, fetch: options.fetch });
      const response = await request(describe(name), { signal, fetch: options.fetch });
      return response && responseFile(response, describe(name), { signal });
    },
  };
}

/**
 * Asks for a file: its response, or undefined where the server says that there is none. Says which of the
 * many other ways it went.
 */
export async function request(
  url: string,
  {
    fetch = globalThis.fetch,
    signal,
    headers = {},
    cache = 'default',
  }: HttpOptions & {
    signal?: AbortSignal | undefined;
    headers?: Record<string, string>;
    cache?: RequestCache;
  },
): Promise<Response | undefined> {
  throwIfAborted(signal, url);
  let response: Response;
  try {
    const init = { headers, cache, ...(signal ? { signal } : {}) };
    response = await orAborted(fetch(url, init), signal, url);
  } catch (cause) {
    throwIfAborted(signal, url);
    const reason = `the server cannot be reached (${why(cause)})`;
    throw new CheckpointError('NETWORK_ERROR', reason, { file: url, cause });
  }
  if (response.status === 304 || (response.ok && !isPage(response, url))) return response;
  await response.body?.cancel().catch(() => {});
  if (response.status === 404 || response.status === 410) return undefined;
  if (response.ok) throw htmlInstead(url);
  const hint =
    response.status === 401 || response.status === 403
      ? ': no such model, or one that asks for a login (the fetch option can add its token)'
      : '';
  const reason = `the server answered ${response.status} ${response.statusText}`.trimEnd();
  throw new HttpError(response.status, `${reason}${hint}`, url);
}

/** An HTTP_ERROR that knows its status. */
export class HttpError extends CheckpointError {
  readonly status: number;
  constructor(status: number, reason: string, url: string) {
    super('HTTP_ERROR', reason, { file: url });
    this.status = status;
  }
}

/** A page in place of a file: what a server says that answers every address with its start page. */
function isPage(response: Response, url: string): boolean {
  const type = response.headers.get('content-type') ?? '';
  return (
    /^text\/html|^application\/xhtml/i.test(type) && !/\.x?html?$/i.test(new URL(url).pathname)
  );
}

/** What a response holds, as a file to read. `onBytes` hears how much has come, and of how much. */
export function responseFile(
  response: Response,
  file: string,
  options: OpenOptions & { onBytes?: (loaded: number, total: number | undefined) => void } = {},
): OpenFile {
  const body = response.body;
  // The length is a promise, not a fact: the reader goes by the safetensors header and by what comes.
  return {
    file,
    byteLength: undefined,
    chunks: body ? receive(body, expectedLength(response), file, options) : [],
    close: async () => {
      if (body && !body.locked) await body.cancel().catch(() => {});
    },
  };
}

async function* receive(
  body: ReadableStream<Uint8Array>,
  total: number | undefined,
  file: string,
  {
    signal,
    onBytes,
  }: {
    signal?: AbortSignal | undefined;
    onBytes?: (loaded: number, total: number | undefined) => void;
  },
): AsyncGenerator<Uint8Array> {
  let loaded = 0;
  try {
    for await (const chunk of streamChunks(body, signal)) {
      loaded += chunk.byteLength;
      onBytes?.(loaded, total);
      yield chunk;
    }
  } catch (cause) {
    throwIfAborted(signal, file);
    if (isCheckpointError(cause)) throw cause;
    const reason = `the connection broke after ${loaded} bytes (${why(cause)})`;
    throw new CheckpointError('TRUNCATED', reason, { file, cause });
  }
  throwIfAborted(signal, file);
  if (total !== undefined && loaded < total) {
    const reason = `the server announced ${total} bytes and sent ${loaded}`;
    throw new CheckpointError('TRUNCATED', reason, { file });
  }
}

/** How much is asked for first; each part after it is as long as all before. */
const FIRST = 1 << 14;

/**
 * A file of which only the beginning is likely to be read: where the server gives parts of files, little
 * more is sent than is read, and no answer is broken off. Undefined where there is no file.
 */
async function openInParts(
  url: string,
  options: HttpOptions & { signal?: AbortSignal | undefined },
): Promise<OpenFile | undefined> {
  // Chromium breaks off a whole file of which its cache holds a part, so that no part is kept.
  const ask = (begin: number, end: number) => {
    const headers = { range: `bytes=${begin}-${end - 1}` };
    return request(url, { ...options, headers, cache: 'no-store' });
  };
  const first = await ask(0, FIRST).catch((error: unknown) => {
    // An empty file has no first part, and a page may not ask every other origin for parts.
    const isEmpty = error instanceof HttpError && error.status === 416;
    if (!isEmpty && !(isCheckpointError(error) && error.code === 'NETWORK_ERROR')) throw error;
    return request(url, options);
  });
  if (first?.status !== 206) return first && responseFile(first, url, options);

  async function* parts(): AsyncGenerator<Uint8Array> {
    let part: Response | undefined = first;
    let begin = 0;
    for (let end = FIRST; ; end *= 2) {
      if (part?.status !== 206) {
        const reason = `the server gave no part of it from byte ${begin}`;
        throw new CheckpointError('TRUNCATED', reason, { file: url });
      }
      const total = Number(/\/(\d+)$/.exec(part.headers.get('content-range') ?? '')?.[1]);
      const bytes = await readAll(responseFile(part, url, options), options.signal);
      yield bytes;
      begin += bytes.byteLength;
      if (begin < end || begin === total) return;
      part = await ask(begin, 2 * end);
    }
  }
  return { ...responseFile(first, url, options), chunks: parts() };
}

/** Bytes the body will have, if that can be known: of a compressed body only the compressed length is told. */
export function expectedLength(response: Response): number | undefined {
  // From another origin a page is shown the length but not whether the body is compressed.
  if (response.headers.get('content-encoding') || response.type === 'cors') return undefined;
  const length = response.headers.get('content-length');
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

function why(cause: unknown): string {
  const { message, cause: inner } = cause as {
    message?: string;
    cause?: { message?: string; code?: string };
  };
  return [message ?? String(cause), inner?.message || inner?.code].filter(Boolean).join(': ');
}
