import { decodeText } from './bytes.js';
import { isCheckpointError, throwIfAborted } from './errors.js';
import { type JsonObject, parseJson } from './json.js';
import type { PickleValue } from './pickle-values.js';
import { randomFile } from './random-file.js';
import type { OnProgress } from './safetensors.js';
import { checkName, type FileSource, readAll } from './source.js';
import type { StoredTensor, TensorInfo } from './tensor.js';
import { findShards, type Shard } from './weight-files.js';

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
   * The weights, one tensor at a time: of model.safetensors, pytorch_model.bin, the files that the
   * `.index.json` of either names, model.pt, or a TensorFlow checkpoint; the first of these that is there.
   *
   * @throws CheckpointError NOT_FOUND where there is none; SAFETENSORS_…, PICKLE_REFUSED, BAD_… for bad files.
   */
  tensors(options?: ReadOptions): AsyncIterable<StoredTensor>;
  /** Dtype and shape of each tensor; only headers are read. */
  names(options?: ReadOptions): Promise<ReadonlyMap<string, TensorInfo>>;
  /** A file of the folder as text, or undefined where there is none (or a page in its place). */
  readText(name: string, options?: ReadOptions): Promise<string | undefined>;
  readBytes(name: string, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** A file of the folder as a JSON object. */
  readJson(name: string, options?: ReadOptions): Promise<JsonObject | undefined>;
  /**
   * What torch.save or pickle.dump wrote into a file of the folder, without the tensors' bytes, which
   * are not read where parts of the file can be had by themselves. Nothing of it is executed.
   *
   * @throws CheckpointError PICKLE_REFUSED and others as `readTorch`
   */
  readPickle(name: string, options?: ReadOptions): Promise<PickleValue | undefined>;
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
  const optional =
    <T>(read: (name: string, options: ReadOptions) => Promise<T | undefined>) =>
    async (name: string, options: ReadOptions = {}): Promise<T | undefined> => {
      try {
        return await read(name, { ...defaults, ...options });
      } catch (error) {
        if (isCheckpointError(error) && error.code === 'HTML_INSTEAD_OF_JSON') return undefined;
        throw error;
      }
    };
  const readOptional = optional(read);
  const readPickle = optional(async (name, options) => {
    throwIfAborted(options.signal, files.describe(name));
    const opened = await files.open(checkName(name), options);
    if (!opened) return undefined;
    const { openPickle } = await import('./pickle-file.js');
    const file = await randomFile(opened, options.signal);
    const { value } = await openPickle(file);
    await file.close();
    return value;
  });

  async function* tensors(options: ReadOptions = {}): AsyncGenerator<StoredTensor> {
    const { onProgress, signal } = { ...defaults, ...options };
    const { shards, total } = await findShards(files, { onProgress, signal }, false);
    let before = 0;
    for (const shard of shards) {
      const report: OnProgress = ({ phase, file, loaded, total: inFile }) =>
        onProgress?.(
          phase === 'read'
            ? { phase, file, loaded: before + loaded, total: shards.length === 1 ? inFile : total }
            : { phase, file, loaded, total: inFile },
        );
      const opened = await shard.open({ onProgress: report, signal });
      for await (const tensor of opened.tensors()) {
        if (isWanted(shard, tensor.name, shards)) yield tensor;
      }
      before += opened.dataBytes;
    }
  }

  async function names(options: ReadOptions = {}): Promise<ReadonlyMap<string, TensorInfo>> {
    const { signal, onProgress } = { ...defaults, ...options };
    const { shards } = await findShards(files, { signal, onProgress }, true);
    const found = new Map<string, TensorInfo>();
    for (const shard of shards) {
      const opened = await shard.open({ signal, onProgress });
      const { infos } = opened;
      await opened.close();
      for (const [name, { dtype, shape }] of infos) {
        if (isWanted(shard, name, shards)) found.set(name, { dtype, shape });
      }
    }
    return found;
  }

  return {
    source: files.source,
    config,
    configText,
    tensors,
    names,
    readBytes: readOptional,
    readPickle,
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
