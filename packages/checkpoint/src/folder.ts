import { decodeText } from './bytes.js';
import { CheckpointError, isCheckpointError, quote, throwIfAborted } from './errors.js';
import { type JsonObject, parseJson } from './json.js';
import { type OnProgress, readSafetensors, type SafetensorsFile } from './safetensors.js';
import { checkName, type FileSource, type OpenFile, readAll } from './source.js';
import type { StoredTensor, TensorInfo } from './tensor.js';

export interface ReadOptions {
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** A model's folder, in the layout of the Hugging Face hub. */
export interface Folder {
  /** Where it is: a path, an address or a hub id. */
  readonly source: string;
  /** config.json; `saveFolder` writes this very object as it was spelled. */
  readonly config: JsonObject | undefined;
  /** config.json's text. After changes, `formatJson(changed, configText)` keeps the spelling of the rest. */
  readonly configText: string | undefined;
  /**
   * The tensors of model.safetensors, or of the files model.safetensors.index.json names, as they arrive.
   *
   * @throws CheckpointError NOT_FOUND where there are neither; SAFETENSORS_… and BAD_INDEX for bad files.
   */
  tensors(options?: ReadOptions): AsyncIterable<StoredTensor>;
  /** Dtype and shape of each tensor; only headers are read. */
  names(options?: ReadOptions): Promise<ReadonlyMap<string, TensorInfo>>;
  /** A file of the folder as text, or undefined where there is none (or a page in its place). */
  readText(name: string, options?: ReadOptions): Promise<string | undefined>;
  readBytes(name: string, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** A file of the folder as a JSON object. */
  readJson(name: string, options?: ReadOptions): Promise<JsonObject | undefined>;
}

export const modelFile = 'model.safetensors';
export const indexFile = 'model.safetensors.index.json';

/** A file with weights, and the names the index looks for in it (undefined: there is no index). */
interface Shard {
  file: string;
  names: ReadonlySet<string> | undefined;
  /** Already open, from looking whether it is there. */
  opened?: OpenFile;
}

interface Shards {
  shards: Shard[];
  /** Bytes of all tensors, where the index tells. */
  total: number | undefined;
}

/** The folder that a source holds. `defaults` are the options of the calls that have none of their own. */
export async function openFolder(files: FileSource, defaults: ReadOptions): Promise<Folder> {
  const configBytes = await read('config.json', defaults);
  const describe = (name: string) => files.describe(name);
  const configText = configBytes && decodeText(configBytes, describe('config.json'));
  const config =
    configText === undefined ? undefined : parseJson(configText, describe('config.json'));

  async function read(name: string, { signal, onProgress }: ReadOptions) {
    throwIfAborted(signal, files.describe(name));
    const opened = await files.open(checkName(name), { signal, onProgress });
    return opened && readAll(opened, signal);
  }

  // For what may be missing: a server that answers a missing file with its start page has not got it.
  async function readOptional(name: string, options: ReadOptions = {}) {
    try {
      return await read(name, { ...defaults, ...options });
    } catch (error) {
      if (isCheckpointError(error) && error.code === 'HTML_INSTEAD_OF_JSON') return undefined;
      throw error;
    }
  }

  async function* tensors(options: ReadOptions = {}): AsyncGenerator<StoredTensor> {
    const { onProgress, signal } = { ...defaults, ...options };
    const { shards, total } = await findShards({ onProgress, signal }, false);
    let before = 0;
    for (const shard of shards) {
      const report: OnProgress = ({ phase, file, loaded, total: inFile }) =>
        onProgress?.(
          phase === 'read'
            ? { phase, file, loaded: before + loaded, total: shards.length === 1 ? inFile : total }
            : { phase, file, loaded, total: inFile },
        );
      const safetensors = await openShard(shard, { onProgress: report, signal });
      for await (const tensor of safetensors.tensors()) {
        if (isWanted(shard, tensor.name, shards)) yield tensor;
      }
      before += safetensors.header.dataBytes;
    }
  }

  async function names(options: ReadOptions = {}): Promise<ReadonlyMap<string, TensorInfo>> {
    const { signal, onProgress } = { ...defaults, ...options };
    const { shards } = await findShards({ signal, onProgress }, true);
    const found = new Map<string, TensorInfo>();
    for (const shard of shards) {
      const safetensors = await openShard(shard, { signal }, true);
      await safetensors.close();
      for (const { name, dtype, shape } of safetensors.header.tensors.values()) {
        if (isWanted(shard, name, shards)) found.set(name, { dtype, shape });
      }
    }
    return found;
  }

  /** model.safetensors if there is one (as transformers looks for it), else the files of the index. */
  async function findShards(options: ReadOptions, headOnly: boolean): Promise<Shards> {
    let page: unknown;
    const open = async (name: string, headOnly: boolean): Promise<OpenFile | undefined> => {
      try {
        return await files.open(name, { ...options, headOnly });
      } catch (error) {
        if (!isCheckpointError(error) || error.code !== 'HTML_INSTEAD_OF_JSON') throw error;
        page ??= error;
        return undefined;
      }
    };
    throwIfAborted(options.signal, files.source);
    const opened = await open(modelFile, headOnly);
    if (opened)
      return { shards: [{ file: modelFile, names: undefined, opened }], total: undefined };
    const index = await readOptional(indexFile, options);
    if (index) return readIndex(decodeText(index, describe(indexFile)), describe(indexFile));
    if (page) throw page;
    const pickle = await open('pytorch_model.bin', true);
    await pickle?.close();
    const reason = pickle
      ? `no ${modelFile}, only pytorch_model.bin, which is not read: save it with safe_serialization=True`
      : `neither ${modelFile} nor ${indexFile} is there`;
    throw new CheckpointError('NOT_FOUND', reason, { file: files.source });
  }

  async function openShard(
    shard: Shard,
    { signal, onProgress }: ReadOptions,
    headOnly = false,
  ): Promise<SafetensorsFile> {
    const opened = shard.opened ?? (await files.open(shard.file, { signal, onProgress, headOnly }));
    if (!opened) {
      const reason = shard.names ? `missing, though ${indexFile} names it` : 'missing';
      throw new CheckpointError('NOT_FOUND', reason, { file: describe(shard.file) });
    }
    const { file, byteLength, chunks } = opened;
    try {
      const safetensors = await readSafetensors(chunks, { file, byteLength, signal, onProgress });
      const missing = [...(shard.names ?? [])].find(
        (name) => !safetensors.header.tensors.has(name),
      );
      if (missing === undefined) {
        return { ...safetensors, close: () => safetensors.close().then(() => opened.close()) };
      }
      await safetensors.close();
      throw new CheckpointError('BAD_INDEX', `not there, though ${indexFile} says so`, {
        file,
        key: missing,
      });
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  return {
    source: files.source,
    config,
    configText,
    tensors,
    names,
    readBytes: readOptional,
    readText: async (name, options) => {
      const bytes = await readOptional(name, options);
      return bytes && decodeText(bytes, describe(name));
    },
    readJson: async (name, options) => {
      const bytes = await readOptional(name, options);
      return bytes && parseJson(decodeText(bytes, describe(name)), describe(name));
    },
  };
}

/** A tensor that the index expects in another file is left to that file. */
function isWanted(shard: Shard, name: string, shards: readonly Shard[]): boolean {
  if (!shard.names || shard.names.has(name)) return true;
  return !shards.some(({ names }) => names?.has(name));
}

function readIndex(text: string, file: string): Shards {
  const index = parseJson(text, file, { duplicateCode: 'BAD_INDEX' });
  const { weight_map: map, metadata } = index;
  if (map === null || typeof map !== 'object' || Array.isArray(map)) {
    throw new CheckpointError('BAD_INDEX', 'has no object "weight_map"', { file });
  }
  const shards = new Map<string, Set<string>>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !/^[^/]+\.safetensors$/.test(shard)) {
      const reason = `is said to be in ${quote(String(shard))}, which is no safetensors file of this folder`;
      throw new CheckpointError('BAD_INDEX', reason, { file, key: name });
    }
    checkName(shard, file);
    const names = shards.get(shard) ?? new Set();
    shards.set(shard, names.add(name));
  }
  const size =
    metadata && typeof metadata === 'object' && !Array.isArray(metadata) && metadata.total_size;
  const inOrder = [...shards].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    shards: inOrder.map(([name, names]) => ({ file: name, names })),
    total: typeof size === 'number' ? size : undefined,
  };
}
