import { toStream } from './bytes.js';
import { CheckpointError, orAborted, throwIfAborted } from './errors.js';
import { blobFile, type OpenFile } from './source.js';

/** A file that is read here and there. */
export interface RandomFile {
  /** How errors name it. */
  readonly file: string;
  readonly byteLength: number;
  /**
   * So many bytes from `begin` on, to be kept and not to be changed.
   *
   * @throws CheckpointError TRUNCATED where the file ends before them
   */
  read(begin: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * An opened file, to be read here and there. What only comes as a stream is first received whole: into
 * a Blob, which a browser may keep on its disk.
 */
export async function randomFile(opened: OpenFile, signal?: AbortSignal): Promise<RandomFile> {
  const { file, readAt, byteLength } = opened;
  if (readAt === undefined || byteLength === undefined) {
    const blob = await received(opened, signal);
    return randomFile(blobFile(blob, file), signal);
  }
  const read = async (begin: number, length: number) => {
    throwIfAborted(signal, file);
    const isInside = begin >= 0 && length >= 0 && begin + length <= byteLength;
    const bytes = isInside ? await orAborted(readAt(begin, length), signal, file) : undefined;
    if (bytes?.byteLength === length) return bytes;
    const reason = `${length} bytes should follow byte ${begin}, but the file ends after ${byteLength}`;
    throw new CheckpointError('TRUNCATED', reason, { file });
  };
  return { file, byteLength, read, close: () => opened.close() };
}

async function received(opened: OpenFile, signal: AbortSignal | undefined): Promise<Blob> {
  let broken: unknown;
  const body = toStream(opened.chunks, (error) => {
    broken = error;
  });
  try {
    return await orAborted(new Response(body).blob(), signal, opened.file);
  } catch (error) {
    throw broken ?? error;
  } finally {
    await opened.close();
  }
}
