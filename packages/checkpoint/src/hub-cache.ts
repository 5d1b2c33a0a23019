import { streamChunks, toStream } from './bytes.js';
import { ioError, isCheckpointError, throwIfAborted } from './errors.js';
import type { NodeModules } from './node.js';
import { checkName, type OpenFile, openPath } from './source.js';
import { writeAtomic } from './write-file-atomic.js';

/** What was downloaded of one revision of one model. */
export interface FileCache {
  /** Where it is, for messages. */
  readonly place: string;
  find(name: string): Promise<CachedFile | undefined>;
  /** Whether anything of this revision is here. */
  holdsAny(): Promise<boolean>;
  /** Keeps a download once it is whole; false where the cache cannot take it, and the download is lost. */
  store(
    name: string,
    download: OpenFile,
    etag: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean>;
}

interface CachedFile {
  /** The server's name for this version of the file. */
  etag: string | undefined;
  open(): Promise<OpenFile | undefined>;
}

/** Files on disk, each beside a small file with its ETag. */
export function diskCache(
  node: NodeModules,
  id: string,
  revision: string,
  cacheDir: string | undefined,
): FileCache {
  const { fs, path, os, process } = node;
  const { HF_HOME, XDG_CACHE_HOME } = process.env;
  const home =
    cacheDir ??
    path.join(HF_HOME || XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'multihead');
  // Encoded, so that `refs/pr/1` and `..` are plain names.
  const place = path.join(
    home,
    `models--${id.replace('/', '--')}`,
    `@${encodeURIComponent(revision)}`,
  );
  const at = (name: string) => path.join(place, ...checkName(name).split('/'));

  return {
    place,
    find: async (name) => {
      const stat = await fs.stat(at(name)).catch(() => undefined);
      if (!stat?.isFile()) return undefined;
      const etag = await fs.readFile(`${at(name)}.etag`, 'utf8').catch(() => undefined);
      return { etag, open: () => openPath(node, at(name)) };
    },
    holdsAny: async () => (await fs.readdir(place).catch(() => [])).length > 0,
    store: async (name, download, etag, signal) => {
      try {
        await fs.mkdir(path.dirname(at(name)), { recursive: true });
        // A crash between any two of these leaves a file without an ETag, which is fetched again.
        await fs.rm(`${at(name)}.etag`, { force: true });
        await writeAtomic(node, at(name), download.chunks, signal);
        if (etag !== undefined) await writeAtomic(node, `${at(name)}.etag`, etag, signal);
        return true;
      } catch (error) {
        throw ioError(error, at(name), 'writing');
      } finally {
        await download.close();
      }
    },
  };
}

/** The browser's Cache API, or undefined where there is none (pages that are not secure). */
export function webCache(prefix: string, cacheName = 'multihead'): FileCache | undefined {
  const { caches } = globalThis as { caches?: CacheStorage };
  if (!caches) return undefined;
  const key = (name: string) =>
    prefix + checkName(name).split('/').map(encodeURIComponent).join('/');

  return {
    place: cacheName,
    find: async (name) => {
      const response = await (await caches.open(cacheName)).match(key(name));
      if (!response) return undefined;
      return {
        etag: response.headers.get('etag') ?? undefined,
        open: async () => ({
          file: key(name),
          byteLength: undefined,
          chunks: response.body ? streamChunks(response.body) : [],
          close: async () => {
            if (!response.body?.locked) await response.body?.cancel();
          },
        }),
      };
    },
    holdsAny: async () => {
      const keys = await (await caches.open(cacheName)).keys();
      return keys.some(({ url }) => url.startsWith(prefix));
    },
    store: async (name, download, etag, signal) => {
      let broken: unknown;
      const body = toStream(download.chunks, (error) => {
        broken = error;
      });
      try {
        const cache = await caches.open(cacheName);
        await cache.put(key(name), new Response(body, { headers: etag ? { etag } : {} }));
        return true;
      } catch (error) {
        throwIfAborted(signal, download.file);
        if (broken) throw broken;
        if (isCheckpointError(error)) throw error;
        return false; // over the quota, or a private window that keeps nothing
      } finally {
        await download.close();
      }
    },
  };
}
