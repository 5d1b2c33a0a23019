import { maskedCrc32c } from './crc32c.js';
import { CheckpointError, quote, throwIfAborted } from './errors.js';
import { ProtoReader } from './proto-reader.js';
import { type RandomFile, randomFile } from './random-file.js';
import { type FileSource, readAll } from './source.js';
import { readTable } from './sstable.js';
import { bytesPerElement, type DType, elementCount, type StoredTensor } from './tensor.js';
import type { ReadTensorsOptions, TensorFile } from './tensor-file.js';

// TensorFlow's checkpoint (tensorflow/core/protobuf/tensor_bundle.proto): `NAME.index`, a table of
// where each tensor is, and `NAME.data-00000-of-0000N`, the bytes.

/** DataType of tensorflow/core/framework/types.proto. */
const DTYPES: Readonly<Record<number, DType>> = {
  1: 'F32',
  2: 'F64',
  3: 'I32',
  4: 'U8',
  5: 'I16',
  6: 'I8',
  9: 'I64',
  10: 'BOOL',
  14: 'BF16',
  17: 'U16',
  19: 'F16',
  22: 'U32',
  23: 'U64',
};

/** What is no tensor of numbers, such as the object graph that TensorFlow 2 writes: left out. */
const LEFT_OUT = [7 /* DT_STRING */, 20 /* DT_RESOURCE */, 21 /* DT_VARIANT */];

interface BundleEntry {
  name: string;
  dtype: DType;
  shape: number[];
  shard: number;
  offset: number;
  size: number;
  checksum: number;
}

/** The names of a bundle's files. */
const bundleIndex = (prefix: string): string => `${prefix}.index`;
const bundleData = (prefix: string, shard: number, shards: number): string =>
  `${prefix}.data-${digits(shard)}-of-${digits(shards)}`;
const digits = (value: number): string => String(value).padStart(5, '0');

/**
 * Opens the TensorFlow checkpoint `prefix` of a folder, under the names and in the shapes it has there;
 * undefined where there is none.
 *
 * @throws CheckpointError BAD_BUNDLE, BAD_CHECKSUM, NOT_FOUND, TRUNCATED, NOT_SUPPORTED
 */
export async function openBundle(
  files: FileSource,
  prefix: string,
  options: ReadTensorsOptions = {},
): Promise<TensorFile | undefined> {
  const { onProgress, signal } = options;
  const opened = await files.open(bundleIndex(prefix), options);
  if (!opened) return undefined;
  const { file } = opened;
  const { shards, entries } = readBundleIndex(await readAll(opened, signal), file);
  const dataBytes = entries.reduce((sum, { size }) => sum + size, 0);

  async function* tensors(): AsyncGenerator<StoredTensor, void, undefined> {
    let loaded = 0;
    let shard: RandomFile | undefined;
    let number = -1;
    try {
      for (const entry of entries) {
        throwIfAborted(signal, file);
        if (shard === undefined || number !== entry.shard) {
          await shard?.close();
          number = entry.shard;
          shard = await openShard(entry.shard);
        }
        const data = await readEntry(shard, entry);
        loaded += entry.size;
        onProgress?.({ phase: 'read', file: shard.file, loaded, total: dataBytes });
        yield { name: entry.name, dtype: entry.dtype, shape: [...entry.shape], data };
      }
    } finally {
      await shard?.close();
    }
  }

  async function openShard(shard: number): Promise<RandomFile> {
    const name = bundleData(prefix, shard, shards);
    const opened = await files.open(name, options);
    if (opened) return randomFile(opened, signal);
    const reason = `missing, though ${bundleIndex(prefix)} names it`;
    throw new CheckpointError('NOT_FOUND', reason, { file: files.describe(name) });
  }

  const infos = new Map(entries.map(({ name, dtype, shape }) => [name, { dtype, shape }]));
  return { infos, dataBytes, tensors, close: async () => {} };
}

async function readEntry(shard: RandomFile, entry: BundleEntry): Promise<Uint8Array> {
  const { name, offset, size, checksum } = entry;
  const { file, byteLength } = shard;
  if (offset + size > byteLength) {
    const reason = `the tensor should end at byte ${offset + size}, but the file ends after ${byteLength}`;
    throw new CheckpointError('TRUNCATED', reason, { file, key: name });
  }
  const data = await shard.read(offset, size);
  if (maskedCrc32c(data) === checksum) return data;
  const reason =
    'its bytes do not have the checksum that the index has for them: the file is damaged';
  throw new CheckpointError('BAD_CHECKSUM', reason, { file, key: name });
}

/** The tensors that an index names, in the order of their bytes. */
export function readBundleIndex(
  bytes: Uint8Array,
  file: string,
): { shards: number; entries: BundleEntry[] } {
  const fail = (reason: string): never => {
    throw new CheckpointError('BAD_BUNDLE', reason, { file });
  };
  const entries: BundleEntry[] = [];
  let shards: number | undefined;
  for (const [key, value] of readTable(bytes, file)) {
    const message = new ProtoReader(value, fail);
    if (shards === undefined) {
      // The header has the empty key, which sorts before all others.
      if (key.byteLength > 0) fail('the index has no header');
      shards = readHeader(message, file);
      continue;
    }
    if (key[0] === 0) continue; // a piece of a partitioned variable, which has an entry of its own
    const entry = readIndexEntry(message, nameOf(key, fail), file);
    if (entry === undefined) continue;
    if (entry.shard >= shards) fail(`${quote(entry.name)} is in part ${entry.shard} of ${shards}`);
    entries.push(entry);
  }
  if (shards === undefined) fail('the index is empty');
  entries.sort((a, b) => a.shard - b.shard || a.offset - b.offset || a.size - b.size);
  entries.forEach((entry, i) => {
    const before = entries[i - 1];
    if (before?.shard !== entry.shard || before.offset + before.size <= entry.offset) return;
    fail(`${quote(entry.name)} overlaps ${quote(before.name)}`);
  });
  return { shards: shards!, entries };
}

function readHeader(message: ProtoReader, file: string): number {
  let shards = 0;
  for (const { field, value } of message.fields()) {
    if (field === 1) shards = value as number;
    if (field === 2 && value !== 0) {
      throw new CheckpointError('NOT_SUPPORTED', 'written by a big-endian machine', { file });
    }
  }
  return shards;
}

function nameOf(key: Uint8Array, fail: (reason: string) => never): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(key);
  } catch {
    return fail('a name is not valid UTF-8');
  }
}

/** The entry, or undefined for what is no tensor of numbers. */
function readIndexEntry(message: ProtoReader, name: string, file: string): BundleEntry | undefined {
  const numbers = [0, 0, 0, 0, 0, 0, 0]; // by field, each 0 unless it is there
  let shape: number[] = [];
  for (const { field, type, value } of message.fields()) {
    if (field === 7) {
      const reason = 'a partitioned variable, stored in slices: save it whole';
      throw new CheckpointError('NOT_SUPPORTED', reason, { file, key: name });
    }
    if (type === 'bytes' && field === 2) shape = readShape(new ProtoReader(value, message.fail));
    if (type === 'number' && field < numbers.length) numbers[field] = value;
  }
  const [, type, , shard, offset, size, checksum] = numbers as [
    number, number, number, number, number, number, number,
  ]; // biome-ignore format: one line
  if (LEFT_OUT.includes(type)) return undefined;
  const dtype = DTYPES[type];
  if (dtype === undefined) {
    const reason = `has TensorFlow's dtype ${type}; read are ${Object.keys(bytesPerElement).join(', ')}`;
    throw new CheckpointError('UNSUPPORTED_DTYPE', reason, { file, key: name });
  }
  const expected = elementCount(shape, file, name, 'BAD_BUNDLE') * bytesPerElement[dtype];
  if (size !== expected) {
    message.fail(`${quote(name)} is ${dtype} of shape [${shape}], but takes ${size} bytes`);
  }
  return { name, dtype, shape, shard, offset, size, checksum };
}

function readShape(message: ProtoReader): number[] {
  const shape: number[] = [];
  for (const { field, type, value } of message.fields()) {
    if (field === 3 && value !== 0) message.fail('a tensor of unknown rank');
    if (field !== 2 || type !== 'bytes') continue;
    const sizes = [...new ProtoReader(value, message.fail).fields()].filter((f) => f.field === 1);
    shape.push((sizes.at(-1)?.value as number | undefined) ?? 0);
    if (shape.length > 254) message.fail('a tensor of more than 254 dimensions'); // TensorFlow's limit
  }
  return shape;
}
