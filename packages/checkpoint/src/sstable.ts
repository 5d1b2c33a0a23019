import { maskedCrc32c } from './crc32c.js';
import { CheckpointError } from './errors.js';
import { ProtoReader } from './proto-reader.js';
import { unsnappy } from './snappy.js';

// LevelDB's table (https://github.com/google/leveldb/blob/main/doc/table_format.md), in which
// TensorFlow keeps a checkpoint's index: blocks of sorted keys with values, a block that says where
// those are, and a footer that says where that one is.

const FOOTER = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Type and checksum behind each block. */
const TRAILER = 5;

/** Keys may share at most their beginning with the key before, so they could grow beyond all bounds. */
const LARGEST_KEY = 4096;

/**
 * The entries of a table, in their order. Nothing larger than the file times a small constant is made,
 * whatever it claims: blocks may not overlap, keys must ascend.
 *
 * @throws CheckpointError BAD_BUNDLE, BAD_CHECKSUM
 */
export function* readTable(
  bytes: Uint8Array,
  file: string,
): Generator<[key: Uint8Array, value: Uint8Array]> {
  const fail = (reason: string): never => {
    throw new CheckpointError('BAD_BUNDLE', reason, { file });
  };
  if (bytes.byteLength < FOOTER) fail(`no table: it has ${bytes.byteLength} bytes`);
  const footerAt = bytes.byteLength - FOOTER;
  const footer = bytes.subarray(footerAt);
  const magic = new DataView(footer.buffer, footer.byteOffset).getBigUint64(FOOTER - 8, true);
  if (magic !== MAGIC) fail('no table: its last eight bytes are not those of one');

  const handles = new ProtoReader(footer.subarray(0, FOOTER - 8), fail);
  readHandle(handles); // of statistics and filters, which TensorFlow does not write
  const index = readBlock(bytes, readHandle(handles), fail, file);
  let end = 0;
  let before: Uint8Array | undefined;
  let keyBytes = 0;
  for (const [, value] of entriesOf(index, fail)) {
    const handle = readHandle(new ProtoReader(value, fail));
    if (handle.offset < end) fail('two blocks of the table overlap');
    end = handle.offset + handle.size + TRAILER;
    for (const entry of entriesOf(readBlock(bytes, handle, fail, file), fail)) {
      const [key] = entry;
      if (before !== undefined && compare(before, key) >= 0) fail('the keys are not in order');
      keyBytes += key.byteLength;
      if (keyBytes > 64 * bytes.byteLength) fail('the keys take more room than the file could');
      before = key;
      yield entry;
    }
  }
}

interface Handle {
  offset: number;
  size: number;
}

function readHandle(reader: ProtoReader): Handle {
  return { offset: reader.number(), size: reader.number() };
}

function readBlock(
  bytes: Uint8Array,
  { offset, size }: Handle,
  fail: (reason: string) => never,
  file: string,
): Uint8Array {
  if (offset + size + TRAILER > bytes.byteLength - FOOTER) {
    fail(`a block of ${size} bytes at ${offset} leads out of the table`);
  }
  const stored = bytes.subarray(offset, offset + size + 1);
  const sum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset + size + 1, true);
  if (maskedCrc32c(stored) !== sum) {
    const reason = `the block at ${offset} does not have the checksum beside it: the file is damaged`;
    throw new CheckpointError('BAD_CHECKSUM', reason, { file });
  }
  const content = stored.subarray(0, size);
  const type = stored[size];
  if (type === 0) return content;
  return type === 1 ? unsnappy(content, fail) : fail(`a block has the unknown type ${type}`);
}

/** The entries of a block: each key is given by how much of the one before it begins with, and the rest. */
function* entriesOf(
  block: Uint8Array,
  fail: (reason: string) => never,
): Generator<[key: Uint8Array, value: Uint8Array]> {
  if (block.byteLength < 4) fail('a block is too short');
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const restarts = view.getUint32(block.byteLength - 4, true);
  const end = block.byteLength - 4 - 4 * restarts;
  if (end < 0) fail('a block is too short');
  const reader = new ProtoReader(block.subarray(0, end), fail);
  let before = new Uint8Array(0);
  while (!reader.ended) {
    const shared = reader.number();
    const rest = reader.number();
    const valueBytes = reader.number();
    if (shared > before.byteLength) fail('a key shares more than the one before it has');
    if (shared + rest > LARGEST_KEY) fail(`a key has ${shared + rest} bytes`);
    const key = new Uint8Array(shared + rest);
    key.set(before.subarray(0, shared));
    key.set(reader.bytes(rest), shared);
    before = key;
    yield [key, reader.bytes(valueBytes)];
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.byteLength, b.byteLength);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.byteLength - b.byteLength;
}
