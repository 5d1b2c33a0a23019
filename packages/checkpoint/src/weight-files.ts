import { decodeText } from './bytes.js';
import { CheckpointError, isCheckpointError, quote, throwIfAborted } from './errors.js';
import { parseJson } from './json.js';
import { randomFile } from './random-file.js';
import { readSafetensors } from './safetensors.js';
import { checkName, type FileSource, type OpenFile, type OpenOptions, readAll } from './source.js';
import type { ReadTensorsOptions, TensorFile } from './tensor-file.js';

export const modelFile = 'model.safetensors';
export const indexFile = 'model.safetensors.index.json';

/** Where weights may be, first to last, as transformers looks for them; then what others wrote. */
const PLACES: readonly { file: string; index?: string }[] = [
  { file: modelFile, index: indexFile },
  { file: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json' },
  { file: 'model.pt' }, // the original Transformer-XL's
  { file: 'ckpt.pt' }, // nanoGPT's
];

/** TensorFlow's note of which checkpoint is the last, and the names where there is no note. */
const bundleNote = 'checkpoint';
const BUNDLES = ['bert_model.ckpt', 'model.ckpt'];

// The readers of other formats are imported when they are needed: a page that reads safetensors does not
// load them.

/** A file with weights, and the names the index looks for in it (undefined: there is no index). */
export interface Shard {
  names: ReadonlySet<string> | undefined;
  open(options: ReadTensorsOptions): Promise<TensorFile>;
}

export interface Shards {
  shards: Shard[];
  /** Bytes of all tensors, where the index tells. */
  total: number | undefined;
}

/**
 * The files of a folder that its weights are in. With `headOnly` the tensors' bytes are not wanted.
 *
 * @throws CheckpointError NOT_FOUND where there are none
 */
export async function findShards(
  files: FileSource,
  options: ReadTensorsOptions,
  headOnly: boolean,
): Promise<Shards> {
  throwIfAborted(options.signal, files.source);
  let page: unknown;
  // A server that answers a missing file with its start page has not got it.
  const open = async (name: string, openOptions: OpenOptions): Promise<OpenFile | undefined> => {
    try {
      return await files.open(name, openOptions);
    } catch (error) {
      if (!isCheckpointError(error) || error.code !== 'HTML_INSTEAD_OF_JSON') throw error;
      page ??= error;
      return undefined;
    }
  };
  for (const { file, index } of PLACES) {
    const opened = await open(file, { ...options, headOnly: headOnly && isSafetensors(file) });
    if (opened) return { shards: [wholeFile(file, opened)], total: undefined };
    const indexed = index && (await open(index, options));
    if (index && indexed) {
      const text = decodeText(await readAll(indexed, options.signal), indexed.file);
      return readIndex(files, text, index, headOnly);
    }
  }
  for (const prefix of await bundlePrefixes(open, options)) {
    const opened = await open(`${prefix}.index`, { ...options, headOnly: true });
    await opened?.close();
    if (opened) return { shards: [bundle(files, prefix)], total: undefined };
  }
  if (page) throw page;
  const names = PLACES.flatMap(({ file, index }) => (index ? [file, index] : [file]));
  const reason = `no weights: neither ${names.join(', ')} nor a TensorFlow checkpoint is there`;
  throw new CheckpointError('NOT_FOUND', reason, { file: files.source });
}

const isSafetensors = (file: string): boolean => file.endsWith('.safetensors');

function wholeFile(name: string, opened: OpenFile): Shard {
  return { names: undefined, open: (options) => openTensors(name, opened, options) };
}

function bundle(files: FileSource, prefix: string): Shard {
  return {
    names: undefined,
    open: async (options) => {
      const { openBundle } = await import('./tensor-bundle.js');
      const opened = await openBundle(files, prefix, options);
      if (opened) return opened;
      throw new CheckpointError('NOT_FOUND', 'missing', { file: files.describe(prefix) });
    },
  };
}

/** A file that an index names. */
function shardOf(
  files: FileSource,
  name: string,
  index: string,
  names: ReadonlySet<string>,
  headOnly: boolean,
): Shard {
  const open = async (options: ReadTensorsOptions): Promise<TensorFile> => {
    const opened = await files.open(name, {
      ...options,
      headOnly: headOnly && isSafetensors(name),
    });
    if (!opened) {
      const reason = `missing, though ${index} names it`;
      throw new CheckpointError('NOT_FOUND', reason, { file: files.describe(name) });
    }
    const tensors = await openTensors(name, opened, options);
    const missing = [...names].find((key) => !tensors.infos.has(key));
    if (missing === undefined) return tensors;
    await tensors.close();
    const reason = `not there, though ${index} says so`;
    throw new CheckpointError('BAD_INDEX', reason, { file: opened.file, key: missing });
  };
  return { names, open };
}

async function openTensors(
  name: string,
  opened: OpenFile,
  options: ReadTensorsOptions,
): Promise<TensorFile> {
  try {
    if (!isSafetensors(name)) {
      const { openTorch } = await import('./torch-file.js');
      return await openTorch(await randomFile(opened, options.signal), options);
    }
    const { file, byteLength, chunks } = opened;
    const safetensors = await readSafetensors(chunks, { file, byteLength, ...options });
    const { tensors: infos, dataBytes } = safetensors.header;
    const close = () => safetensors.close().then(() => opened.close());
    return { infos, dataBytes, tensors: safetensors.tensors, close };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function readIndex(files: FileSource, text: string, name: string, headOnly: boolean): Shards {
  const file = files.describe(name);
  const index = parseJson(text, file, { duplicateCode: 'BAD_INDEX' });
  const { weight_map: map, metadata } = index;
  if (map === null || typeof map !== 'object' || Array.isArray(map)) {
    throw new CheckpointError('BAD_INDEX', 'has no object "weight_map"', { file });
  }
  const kind = name.startsWith(modelFile) ? 'safetensors' : 'bin';
  const shards = new Map<string, Set<string>>();
  for (const [key, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !/^[^/]+$/.test(shard) || !shard.endsWith(`.${kind}`)) {
      const reason = `is said to be in ${quote(String(shard))}, which is no .${kind} file of this folder`;
      throw new CheckpointError('BAD_INDEX', reason, { file, key });
    }
    checkName(shard, file);
    shards.set(shard, (shards.get(shard) ?? new Set()).add(key));
  }
  const size =
    metadata && typeof metadata === 'object' && !Array.isArray(metadata) && metadata.total_size;
  const inOrder = [...shards].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    shards: inOrder.map(([shard, names]) => shardOf(files, shard, name, names, headOnly)),
    total: typeof size === 'number' ? size : undefined,
  };
}

/** The TensorFlow checkpoints that may be there: the one that was noted, or those of the usual names. */
async function bundlePrefixes(
  open: (name: string, options: OpenOptions) => Promise<OpenFile | undefined>,
  options: ReadTensorsOptions,
): Promise<string[]> {
  const opened = await open(bundleNote, options);
  if (!opened) return BUNDLES;
  const note = decodeText(await readAll(opened, options.signal), opened.file);
  // The path may be one of the machine that trained it; the file is in this folder.
  const path = /^\s*model_checkpoint_path:\s*"((?:[^"\\\n])*)"/m.exec(note)?.[1] ?? '';
  const prefix = path.split('/').at(-1)!;
  return prefix === '' ? BUNDLES : [checkName(prefix, opened.file), ...BUNDLES];
}
