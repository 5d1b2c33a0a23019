import { ByteReader, type Chunks, streamChunks } from './bytes.js';
import { CheckpointError, ioError, quote } from './errors.js';
import type { NodeFileHandle, NodeModules } from './node.js';
import type { OnProgress } from './safetensors.js';

export interface OpenOptions {
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
  /** Only the first bytes are wanted: nothing need be downloaded to a cache for them. */
  headOnly?: boolean;
}

/** A file that has been opened: either all of `chunks` is read, or `close` is called. */
export interface OpenFile {
  /** How errors name it: its path or address. */
  file: string;
  /** Its size, where that is certain. */
  byteLength: number | undefined;
  chunks: Chunks;
  /** Reads these bytes, in place of `chunks`, where any part can be had for itself; fewer at the file's end. */
  readAt?: (begin: number, length: number) => Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A folder to read from, wherever it is. Names have `/` between their parts. */
export interface FileSource {
  /** How errors and people name it. */
  readonly source: string;
  /** How errors name a file in it. */
  describe(name: string): string;
  /** The file, or undefined where there is none. */
  open(name: string, options?: OpenOptions): Promise<OpenFile | undefined>;
}

/** Throws unless the name stays inside the folder: no `..`, no absolute path, nothing a system reads otherwise. */
export function checkName(name: string, file?: string): string {
  const parts = name.split('/');
  const bad = (part: string) => part === '' || part === '.' || part === '..';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are among what is refused
  if (typeof name !== 'string' || parts.some(bad) || /[\\:\u0000-\u001f]/.test(name)) {
    const reason = `${quote(String(name))} is not the name of a file inside the folder`;
    throw new CheckpointError('BAD_NAME', reason, { file });
  }
  return name;
}

/** All bytes of an opened file. */
export async function readAll(opened: OpenFile, signal?: AbortSignal): Promise<Uint8Array> {
  const { byteLength, chunks, file } = opened;
  const reader = new ByteReader(chunks, signal, file);
  try {
    return await reader.read(byteLength ?? Number.MAX_SAFE_INTEGER, byteLength !== undefined);
  } finally {
    await reader.close();
    await opened.close();
  }
}

/** Files given as they are: names with bytes, text or blobs (such as a page's file input has). */
export function recordSource(files: Record<string, Uint8Array | Blob | string>): FileSource {
  const source = 'the given files';
  return {
    source,
    describe: (name) => name,
    open: async (name) => {
      const content = Object.hasOwn(files, name) ? files[name] : undefined;
      if (content === undefined) return undefined;
      if (typeof content === 'object' && 'stream' in content) return blobFile(content, name);
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      if (!ArrayBuffer.isView(bytes)) {
        throw new CheckpointError('BAD_SOURCE', 'neither bytes nor text nor a Blob', {
          file: name,
        });
      }
      return bytesFile(bytes, name);
    },
  };
}

export function bytesFile(bytes: Uint8Array, file: string): OpenFile {
  const readAt = async (begin: number, length: number) => bytes.subarray(begin, begin + length);
  return { file, byteLength: bytes.byteLength, chunks: [bytes], readAt, close: async () => {} };
}

export function blobFile(blob: Blob, file: string): OpenFile {
  const chunks = mapErrors(streamChunks(blob.stream()), file);
  const readAt = async (begin: number, length: number) => {
    try {
      return new Uint8Array(await blob.slice(begin, begin + length).arrayBuffer());
    } catch (error) {
      throw ioError(error, file, 'reading');
    }
  };
  return { file, byteLength: blob.size, chunks, readAt, close: async () => {} };
}

const chunkBytes = 1 << 20;

/** A file of the disk, or undefined where there is none. */
export async function openPath(node: NodeModules, path: string): Promise<OpenFile | undefined> {
  const handle = await node.fs.open(path, 'r').catch((error) => {
    if (isMissing(error)) return undefined;
    throw ioError(error, path, 'opening');
  });
  if (!handle) return undefined;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new CheckpointError('BAD_SOURCE', 'not a file', { file: path });
    return {
      file: path,
      byteLength: stat.size,
      chunks: mapErrors(pathChunks(handle), path),
      readAt: (begin, length) => readPart(handle, path, begin, length),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw ioError(error, path, 'reading');
  }
}

async function* pathChunks(handle: NodeFileHandle): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(chunkBytes);
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function readPart(handle: NodeFileHandle, path: string, begin: number, length: number) {
  const buffer = new Uint8Array(length);
  let filled = 0;
  try {
    while (filled < length) {
      // One call reads at most 2 GB.
      const wanted = Math.min(length - filled, 1 << 30);
      const { bytesRead } = await handle.read(buffer, filled, wanted, begin + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
  } catch (error) {
    throw ioError(error, path, 'reading');
  }
  return buffer.subarray(0, filled);
}

export function isMissing(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return code === 'ENOENT' || code === 'ENOTDIR' || name === 'NotFoundError';
}

async function* mapErrors(chunks: Chunks, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw ioError(error, file, 'reading');
  }
}
