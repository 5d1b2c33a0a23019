import { handleDisk, pathDisk } from './disk.js';
import { CheckpointError, ioError, quote, throwIfAborted } from './errors.js';
import { type Folder, openFolder } from './folder.js';
import { urlSource } from './http.js';
import { type HubOptions, hubSource } from './hub.js';
import { nodeModules } from './node.js';
import type { OnProgress } from './safetensors.js';
import { type FileSource, isMissing, recordSource } from './source.js';
import { committedView } from './staging.js';

/** A path (Node), an address, a hub id, a folder a page was given, or files by name. */
export type FolderSource =
  | string
  | FileSystemDirectoryHandle
  | Record<string, Uint8Array | Blob | string>;

export interface LoadFolderOptions extends HubOptions {
  /** Hears of downloads and of reading; the default for the calls on the folder too. */
  onProgress?: OnProgress | undefined;
  /** Aborts the loading and, unless they are given another, the calls on the folder. */
  signal?: AbortSignal | undefined;
}

/**
 * Opens a model's folder; only config.json is read at once. A string is looked at in this order: an address
 * (`https://…`), a path that exists (Node) or an address relative to the page (`./`, `../` or `/`), a hub id
 * such as `bert-base-uncased` or `org/name`, whose files are cached on disk or in the browser. In a worker,
 * relative means relative to the worker's script.
 *
 * @throws CheckpointError NOT_FOUND, HTTP_ERROR, NETWORK_ERROR, HTML_INSTEAD_OF_JSON, BAD_JSON, ABORTED, …
 */
export async function loadFolder(
  source: FolderSource,
  options: LoadFolderOptions = {},
): Promise<Folder> {
  const { onProgress, signal } = options;
  throwIfAborted(signal, typeof source === 'string' ? source : undefined);
  return openFolder(await fileSource(source, options), { onProgress, signal });
}

async function fileSource(source: FolderSource, options: LoadFolderOptions): Promise<FileSource> {
  if (typeof source === 'string') return stringSource(source, options);
  if (source === null || typeof source !== 'object') {
    throw new CheckpointError('BAD_SOURCE', `cannot load a model from ${typeof source}`);
  }
  refuseRevision(options, 'the given files');
  if (isDirectoryHandle(source)) return committedView(handleDisk(source));
  return recordSource(source);
}

async function stringSource(source: string, options: LoadFolderOptions): Promise<FileSource> {
  if (/^https?:\/\//i.test(source)) {
    refuseRevision(options, source);
    return urlSource(source, options);
  }
  const node = nodeModules();
  const path = node && source.startsWith('file:') ? node.url.fileURLToPath(source) : source;
  if (node && path !== '') {
    const stat = await node.fs.stat(path).catch((error) => {
      if (isMissing(error)) return undefined;
      throw ioError(error, path, 'looking for');
    });
    if (stat && !stat.isDirectory()) {
      const reason = 'a file, not a folder: give the folder that it is in';
      throw new CheckpointError('BAD_SOURCE', reason, { file: path });
    }
    if (stat) {
      refuseRevision(options, path);
      return committedView(pathDisk(node, path));
    }
  }
  if (isHubId(source)) return hubSource(source, options);
  const page = (globalThis as { location?: { href: string } }).location?.href;
  // A worker made from a blob has an address that nothing is relative to.
  if (!node && page?.startsWith('http') && /^\.{0,2}\//.test(source)) {
    refuseRevision(options, source);
    return urlSource(new URL(source, page).href, options);
  }
  const reason = node
    ? `no such folder, and ${quote(source)} is no address or hub id either`
    : `${quote(source)} is no address, hub id, or path that begins with "/" or "./"`;
  throw new CheckpointError('NOT_FOUND', reason, { file: source });
}

/** `name` or `org/name`, as the hub allows them. */
function isHubId(source: string): boolean {
  const part = '[A-Za-z0-9_][A-Za-z0-9._-]{0,95}';
  return new RegExp(`^(${part}/)?${part}$`).test(source) && !/--|\.\./.test(source);
}

function isDirectoryHandle(source: object): source is FileSystemDirectoryHandle {
  return typeof (source as { getDirectoryHandle?: unknown }).getDirectoryHandle === 'function';
}

function refuseRevision({ revision }: LoadFolderOptions, source: string): void {
  if (revision === undefined) return;
  const reason = `only a model of the hub has revisions such as ${quote(revision)}`;
  throw new CheckpointError('NOT_SUPPORTED', reason, { file: source });
}
