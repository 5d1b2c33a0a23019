import type { Chunks } from './bytes.js';
import { syncFolder, writeNewFile } from './disk.js';
import { CheckpointError, ioError, throwIfAborted } from './errors.js';
import { type NodeModules, nodeModules } from './node.js';
import { isMissing } from './source.js';

/**
 * Writes a file so that its path always holds either all of the old content or all of the new: a
 * temporary file beside it is written, fsynced, and renamed over it. Keeps the mode of a file that was
 * there, and follows a symbolic link. Node only.
 *
 * @throws CheckpointError DISK_FULL, IO_ERROR, ABORTED: then the path is as it was and nothing is left beside it.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | Chunks,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const node = nodeModules();
  if (!node) {
    throw new CheckpointError('NOT_SUPPORTED', 'a browser has no paths', { file: path });
  }
  await writeAtomic(node, path, content, options.signal);
}

export async function writeAtomic(
  node: NodeModules,
  path: string,
  content: string | Uint8Array | Chunks,
  signal: AbortSignal | undefined,
): Promise<void> {
  throwIfAborted(signal, path);
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const chunks = ArrayBuffer.isView(bytes) ? [bytes] : bytes;
  const { fs } = node;
  let temporary: string | undefined;
  try {
    const { target, mode } = await targetOf(node, path);
    const folder = node.path.dirname(target);
    const unique = `${node.process.pid}-${Math.random().toString(36).slice(2, 10)}`;
    temporary = node.path.join(folder, `.${node.path.basename(target)}.${unique}.tmp`);
    await writeNewFile(node, temporary, chunks, signal);
    if (mode !== undefined) await fs.chmod(temporary, mode);
    await fs.rename(temporary, target);
    temporary = undefined;
    await syncFolder(node, folder);
  } catch (error) {
    if (temporary !== undefined) await fs.rm(temporary, { force: true }).catch(() => {});
    throw ioError(error, path, 'writing');
  }
}

/** The file that is meant, behind any symbolic link. A device or a folder must not be replaced by a file. */
async function targetOf(
  { fs }: NodeModules,
  path: string,
): Promise<{ target: string; mode: number | undefined }> {
  try {
    const target = await fs.realpath(path);
    const stat = await fs.stat(target);
    if (!stat.isFile())
      throw new CheckpointError('IO_ERROR', 'is there, and no file', { file: path });
    return { target, mode: stat.mode & 0o7777 };
  } catch (error) {
    if (isMissing(error)) return { target: path, mode: undefined };
    throw error;
  }
}
