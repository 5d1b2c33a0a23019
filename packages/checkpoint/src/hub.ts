import { CheckpointError, isCheckpointError } from './errors.js';
import { expectedLength, HttpError, type HttpOptions, request, responseFile } from './http.js';
import { diskCache, type FileCache, webCache } from './hub-cache.js';
import { nodeModules } from './node.js';
import type { FileSource, OpenFile, OpenOptions } from './source.js';

export interface HubOptions extends HttpOptions {
  /** A branch, tag or commit of the hub. By default `main`. */
  revision?: string | undefined;
  /**
   * Where downloads are kept: in Node a folder (by default `$HF_HOME/multihead`, else `multihead` in
   * `$XDG_CACHE_HOME` or `~/.cache`), in a browser the name of a cache (by default `multihead`).
   */
  cacheDir?: string | undefined;
  /** Uses what is in the cache and asks no server. */
  localFilesOnly?: boolean | undefined;
  /** By default `$HF_ENDPOINT` or https://huggingface.co. */
  hubUrl?: string | undefined;
}

/**
 * A model of the hub. Each file is asked for once in the folder's life, and downloaded only where the cache
 * has not got the version (ETag) the hub has; without a network the cache has to do. All files come from
 * the commit that the first one came from.
 */
export function hubSource(id: string, options: HubOptions): FileSource {
  const { revision = 'main', localFilesOnly = false, fetch } = options;
  const node = nodeModules();
  const hubUrl = (
    options.hubUrl ??
    node?.process.env.HF_ENDPOINT ??
    'https://huggingface.co'
  ).replace(/\/+$/, '');
  const cache: FileCache | undefined = node
    ? diskCache(node, id, revision, options.cacheDir)
    : webCache(`${hubUrl}/${id}/resolve/${encodeURIComponent(revision)}/`, options.cacheDir);
  const fresh = new Set<string>();
  let commit: string | undefined;
  let network: 'up' | 'down' | undefined;

  const address = (name: string) => {
    const path = name.split('/').map(encodeURIComponent).join('/');
    return `${hubUrl}/${id}/resolve/${encodeURIComponent(commit ?? revision)}/${path}`;
  };

  async function open(
    name: string,
    { signal, onProgress, headOnly }: OpenOptions = {},
  ): Promise<OpenFile | undefined> {
    const cached = await cache?.find(name);
    if (localFilesOnly) {
      if (cached || (await cache?.holdsAny())) return cached?.open();
      const reason = `not in the cache${cache ? ` ${cache.place}` : ''}: load it once without localFilesOnly`;
      throw new CheckpointError('NOT_FOUND', reason, { file: id });
    }
    if (network === 'down' || (cached && fresh.has(name))) return cached?.open();

    const url = address(name);
    let response: Response | undefined;
    try {
      // A page's own header would cost it a preflight request, so there only the answer's ETag is compared.
      const headers = node && cached?.etag ? { 'if-none-match': cached.etag } : {};
      response = await request(url, { fetch, signal, headers });
    } catch (error) {
      // Once files have come from the network, mixing in older ones would not do.
      if (node && !cached && network === undefined) throw neitherFolder(error, id);
      if (!isOutage(error) || !cached || network === 'up') throw error;
      network = 'down';
      return cached.open();
    }
    network = 'up';
    if (!response) return undefined;
    commit ??= response.headers.get('x-repo-commit') ?? undefined;
    const etag = response.headers.get('etag') ?? undefined;
    if (cached && (response.status === 304 || (etag !== undefined && etag === cached.etag))) {
      await response.body?.cancel().catch(() => {});
      fresh.add(name);
      return cached.open();
    }
    if (headOnly || !cache) return responseFile(response, url, { signal });

    const total = expectedLength(response);
    onProgress?.({ phase: 'download', file: name, loaded: 0, total });
    const download = responseFile(response, url, {
      signal,
      onBytes: (loaded) => onProgress?.({ phase: 'download', file: name, loaded, total }),
    });
    if (await cache.store(name, download, etag, signal)) {
      fresh.add(name);
      return (await cache.find(name))?.open();
    }
    // No room in the browser's cache: read it as it arrives.
    const again = await request(url, { fetch, signal });
    return again && responseFile(again, url, { signal });
  }

  return { source: id, describe: address, open };
}

/** What a hub that gives nothing means in Node, where its models' names are paths too. */
function neitherFolder(error: unknown, id: string): unknown {
  if (!isCheckpointError(error) || error.code === 'ABORTED') return error;
  const reason = `no such folder, and ${error.message}`;
  return new CheckpointError(error.code, reason, { file: id, cause: error });
}

function isOutage(error: unknown): boolean {
  if (!isCheckpointError(error)) return false;
  return error.code === 'NETWORK_ERROR' || (error instanceof HttpError && error.status >= 500);
}
