import { type Disk, diskOf } from './disk.js';
import { CheckpointError, quote, throwIfAborted } from './errors.js';
import { formatJson, type JsonObject, parseJson } from './json.js';
import { nodeModules } from './node.js';
import { alignedOrder, type OnProgress, streamSafetensors } from './safetensors.js';
import { formatHeader } from './safetensors-header.js';
import { checkName } from './source.js';
import {
  commit,
  discard,
  finish,
  isStageName,
  isWeights,
  newStage,
  recover,
  stagedName,
} from './staging.js';
import { elementCount, type TensorToStore, tensorBytes } from './tensor.js';
import { indexFile, modelFile } from './weight-files.js';

export interface FolderContents {
  /** config.json: an object (see `formatJson` for how it is spelled), or its text, kept to the byte. */
  config?: JsonObject | string | undefined;
  /**
   * The weights. Descriptions are gathered first; then each tensor's `data` is asked for in turn, so give
   * functions where a model should not be in memory twice.
   */
  tensors: Iterable<TensorToStore> | AsyncIterable<TensorToStore>;
  /** Other files, such as a tokenizer's; names may have folders in them (`1_Pooling/config.json`). */
  files?: Record<string, string | Uint8Array> | undefined;
  /** Strings kept in the safetensors header. By default `{ format: 'pt' }`, which transformers asks for. */
  metadata?: Record<string, string> | undefined;
}

export interface SaveFolderOptions {
  /** Largest size in bytes of one file of weights; beyond it they are sharded. By default 50 GB. */
  maxShardSize?: number | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Saves a model in the Hugging Face layout. All of it takes the place of what was there at one instant: an
 * abort, an error, a full disk or a killed process leaves either the old folder or the new one (see
 * staging.ts). Weights that the folder had before are gone afterwards; its other files stay.
 *
 * @throws CheckpointError DISK_FULL, ABORTED, IO_ERROR; DUPLICATE_TENSOR, BAD_NAME and the like for
 *   contents that no folder can hold, before anything is written.
 */
export async function saveFolder(
  destination: string | FileSystemDirectoryHandle,
  contents: FolderContents,
  options: SaveFolderOptions = {},
): Promise<void> {
  await saveTo(diskOf(destination, nodeModules()), contents, options);
}

type FileToWrite = AsyncIterable<Uint8Array> | Uint8Array[];

export async function saveTo(
  disk: Disk,
  contents: FolderContents,
  { maxShardSize = 50e9, onProgress, signal }: SaveFolderOptions,
): Promise<void> {
  throwIfAborted(signal, disk.source);
  const small = smallFiles(contents);
  const tensors: TensorToStore[] = [];
  for await (const tensor of contents.tensors) {
    throwIfAborted(signal, disk.source);
    tensors.push(tensor);
  }
  formatHeader(tensors, contents.metadata); // throws for names, shapes and metadata that cannot be stored
  const shards = planShards(tensors, maxShardSize);
  if (shards.length > 1) small.set(indexFile, [encode(formatIndex(shards))]);

  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  let loaded = 0;
  async function* weights(file: string, shard: TensorToStore[]): AsyncGenerator<Uint8Array> {
    let isHeader = true;
    for await (const chunk of streamSafetensors(shard, { metadata: contents.metadata })) {
      yield chunk;
      if (!isHeader) loaded += chunk.byteLength;
      isHeader = false;
      onProgress?.({ phase: 'write', file, loaded, total });
    }
  }
  const all = new Map<string, FileToWrite>(small);
  for (const { file, tensors } of shards) all.set(file, weights(file, tensors));

  await recover(disk);
  const stage = newStage();
  const files = [...all.keys()];
  const remove = (await disk.list()).filter(isWeights);
  try {
    for (const [name, chunks] of all) await disk.write(stagedName(stage, name), chunks, signal);
    throwIfAborted(signal, disk.source);
    await commit(disk, stage, { files, remove });
  } catch (error) {
    await discard(disk, stage).catch(() => {});
    await disk.removeIfNew().catch(() => {});
    throw error;
  }
  await finish(disk, stage, { files, remove });
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function smallFiles({ config, files = {} }: FolderContents): Map<string, FileToWrite> {
  const small = new Map<string, FileToWrite>();
  if (config !== undefined) {
    if (typeof config === 'string') parseJson(config, 'config.json');
    small.set('config.json', [encode(typeof config === 'string' ? config : formatJson(config))]);
  }
  for (const [name, content] of Object.entries(files)) {
    checkName(name);
    if (small.has(name) || isWeights(name) || isStageName(name)) {
      throw new CheckpointError('BAD_NAME', `${quote(name)} is written by saveFolder itself`);
    }
    small.set(name, [typeof content === 'string' ? encode(content) : content]);
  }
  return small;
}

interface ShardPlan {
  file: string;
  tensors: TensorToStore[];
}

/** Fills one file after another; a tensor larger than the limit has a file of its own. */
function planShards(tensors: Iterable<TensorToStore>, maxShardSize: number): ShardPlan[] {
  if (!(maxShardSize > 0)) {
    throw new CheckpointError('NOT_SUPPORTED', `maxShardSize must be above 0, not ${maxShardSize}`);
  }
  const groups: TensorToStore[][] = [[]];
  let size = 0;
  for (const tensor of alignedOrder(tensors)) {
    const bytes = tensorBytes(tensor);
    if (size > 0 && size + bytes > maxShardSize) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)!.push(tensor);
    size += bytes;
  }
  if (groups.length === 1) return [{ file: modelFile, tensors: groups[0]! }];
  const digits = (count: number) => String(count).padStart(5, '0');
  return groups.map((group, i) => ({
    file: `model-${digits(i + 1)}-of-${digits(groups.length)}.safetensors`,
    tensors: group,
  }));
}

/** The index of a sharded model, as transformers writes it. */
function formatIndex(shards: readonly ShardPlan[]): string {
  const pairs = shards.flatMap(({ file, tensors }) =>
    tensors.map(({ name }) => [name, file] as const),
  );
  const tensors = shards.flatMap((shard) => shard.tensors);
  return formatJson({
    metadata: {
      total_parameters: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
      total_size: tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0),
    },
    weight_map: Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1))),
  });
}
