import { CheckpointError, type CheckpointErrorCode, quote } from './errors.js';
import { htmlInstead, JsonReader } from './json.js';
import { bytesPerElement, isDType, type TensorInfo, tensorBytes } from './tensor.js';

// The format (https://github.com/huggingface/safetensors#format): eight bytes of header length, the
// header as JSON, then the tensors' bytes, back to back, in the order of their offsets.

const lengthBytes = 8;
const largestHeader = 100_000_000;

/** Where a tensor's bytes are, counted from the end of the header. */
export interface SafetensorsEntry extends TensorInfo {
  name: string;
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  /** What the header has under `__metadata__`. */
  metadata: Record<string, string>;
  /** The tensors, in the order in which the header names them. */
  tensors: ReadonlyMap<string, SafetensorsEntry>;
  /** Where the tensors' bytes begin in the file. */
  dataStart: number;
  /** Bytes that the tensors take: the file is `dataStart + dataBytes` long. */
  dataBytes: number;
}

export interface HeaderOptions {
  /** How errors name the file. */
  file?: string | undefined;
  /** Size of the whole file where it is known: then it is held against the offsets. */
  byteLength?: number | undefined;
}

/**
 * Reads the header from the first bytes of a file and checks all of it: what it allows through is a
 * file that the reference library reads, each byte of it used once.
 *
 * @throws CheckpointError with a `SAFETENSORS_…` code that names the file, the tensor and the reason.
 */
export function parseSafetensorsHeader(
  bytes: Uint8Array,
  options: HeaderOptions = {},
): SafetensorsHeader {
  const { file, byteLength } = options;
  const dataStart = headerEnd(bytes, options);
  if (bytes.byteLength < dataStart) {
    throw truncated(file, `the header should be ${dataStart} bytes long`, bytes.byteLength);
  }
  const { metadata, tensors } = readHeader(bytes.subarray(lengthBytes, dataStart), file);
  const dataBytes = checkOffsets(tensors.values(), file);
  if (byteLength !== undefined && byteLength < dataStart + dataBytes) {
    const last = [...tensors.values()].find(({ end }) => dataStart + end > byteLength);
    throw truncated(
      file,
      `the tensors end at byte ${dataStart + dataBytes}`,
      byteLength,
      last?.name,
    );
  }
  if (byteLength !== undefined && byteLength > dataStart + dataBytes) {
    throw trailing(file, byteLength - dataStart - dataBytes);
  }
  return { metadata, tensors, dataStart, dataBytes };
}

/** Where the header ends, read from the file's first eight bytes and checked against what is possible. */
export function headerEnd(bytes: Uint8Array, { file, byteLength }: HeaderOptions = {}): number {
  refuseStandIns(bytes, file);
  if (bytes.byteLength < lengthBytes) {
    throw truncated(
      file,
      'a safetensors file begins with 8 bytes of header length',
      bytes.byteLength,
    );
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, lengthBytes).getBigUint64(0, true);
  if (length > largestHeader) {
    throw new CheckpointError(
      'SAFETENSORS_HEADER_TOO_LARGE',
      `the header claims ${length} bytes, of at most ${largestHeader}: not a safetensors file, or a damaged one`,
      { file },
    );
  }
  const end = lengthBytes + Number(length);
  if (byteLength !== undefined && end > byteLength) {
    throw truncated(file, `the header claims to end at byte ${end}`, byteLength);
  }
  return end;
}

/** Throws for the first bytes of what comes in the place of files that are not there. */
export function refuseStandIns(bytes: Uint8Array, file?: string): void {
  const text = String.fromCharCode(...bytes.subarray(0, lengthBytes));
  // Text all eight bytes long: the last bytes of a length that is possible are zero.
  if (/^\s*<[!?a-z][\s\x20-\x7e]*$/i.test(text)) throw htmlInstead(file);
  if (text === 'version ') {
    const reason = 'a Git LFS pointer, not the file itself: run `git lfs pull` where it was cloned';
    throw new CheckpointError('GIT_LFS_POINTER', reason, { file });
  }
}

/** The first bytes of a file with these tensors: header length, header, spaces up to a multiple of 8. */
export function formatHeader(
  tensors: Iterable<TensorInfo & { name: string }>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const members: string[] = [];
  const pairs = Object.entries(metadata);
  for (const [key, value] of pairs) {
    if (typeof value !== 'string') {
      const reason = `metadata holds strings only, not ${typeof value}`;
      throw new CheckpointError('SAFETENSORS_BAD_HEADER', reason, { key });
    }
    checkText(key, undefined, 'SAFETENSORS_BAD_HEADER');
    checkText(value, key, 'SAFETENSORS_BAD_HEADER');
  }
  if (pairs.length > 0) {
    const inner = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    members.push(`"__metadata__":{${inner.join(',')}}`);
  }
  const names = new Set<string>();
  let begin = 0;
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    if (names.has(name)) {
      throw new CheckpointError('DUPLICATE_TENSOR', 'given twice', { key: name });
    }
    if (name === '__metadata__' || name === '__proto__') {
      throw new CheckpointError('BAD_NAME', 'no tensor can have this name', { key: name });
    }
    checkText(name, name, 'BAD_NAME');
    names.add(name);
    const end = begin + tensorBytes(tensor);
    members.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`,
    );
    begin = end;
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  if (length > largestHeader) {
    const reason = `the header would take ${length} bytes, of at most ${largestHeader}`;
    throw new CheckpointError('SAFETENSORS_HEADER_TOO_LARGE', reason);
  }
  const header = new Uint8Array(lengthBytes + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, lengthBytes);
  return header;
}

export function truncated(
  file: string | undefined,
  expected: string,
  found: number,
  key?: string,
): CheckpointError {
  const reason = `truncated: ${expected}, but the file ends after ${found} bytes`;
  return new CheckpointError('SAFETENSORS_TRUNCATED', reason, { file, key });
}

export function trailing(file: string | undefined, count: number | undefined): CheckpointError {
  const reason = `${count ?? 'more'} bytes follow the last tensor, which the header does not account for`;
  return new CheckpointError('SAFETENSORS_TRAILING_BYTES', reason, { file });
}

function readHeader(
  bytes: Uint8Array,
  file: string | undefined,
): Pick<SafetensorsHeader, 'metadata' | 'tensors'> {
  const code = 'SAFETENSORS_BAD_HEADER';
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError(code, 'the header is not valid UTF-8', { file, cause });
  }
  const reader = new JsonReader(text, { file, code, duplicateCode: 'SAFETENSORS_DUPLICATE_KEY' });
  if (text[0] !== '{') reader.fail('the header does not begin with "{"');
  const metadata: Record<string, string> = {};
  const tensors = new Map<string, SafetensorsEntry>();
  reader.object((name) => {
    if (name === '__metadata__') {
      reader.object((key) => {
        metadata[key] = reader.string();
      });
    } else {
      checkText(name, name, code, file);
      tensors.set(name, readEntry(reader, name, file));
    }
  });
  reader.end();
  return { metadata, tensors };
}

function readEntry(reader: JsonReader, name: string, file: string | undefined): SafetensorsEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  reader.object((key) => {
    if (key === 'dtype') dtype = reader.string();
    else if (key === 'shape') shape = sizes(reader, 'SAFETENSORS_BAD_SHAPE', name, file);
    else if (key === 'data_offsets') offsets = sizes(reader, 'SAFETENSORS_BAD_OFFSETS', name, file);
    else reader.value(); // what later versions may add
  });
  if (dtype === undefined || shape === undefined || offsets?.length !== 2) {
    const reason = 'the header entry lacks dtype, shape or two data_offsets';
    throw new CheckpointError('SAFETENSORS_BAD_HEADER', reason, { file, key: name });
  }
  if (!isDType(dtype)) {
    throw new CheckpointError(
      'SAFETENSORS_UNSUPPORTED_DTYPE',
      `has dtype ${quote(dtype)}; read are ${Object.keys(bytesPerElement).join(', ')}: convert it to one of these`,
      { file, key: name },
    );
  }
  const [begin, end] = offsets as [number, number];
  const expected = tensorBytes({ name, dtype, shape }, file);
  if (end - begin !== expected) {
    throw new CheckpointError(
      begin > end ? 'SAFETENSORS_BAD_OFFSETS' : 'SAFETENSORS_BAD_SHAPE',
      `${dtype} of shape [${shape.join(', ')}] takes ${expected} bytes, but the offsets [${begin}, ${end}] span ${end - begin}`,
      { file, key: name },
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Reads an array of whole numbers, each spelled as digits only. */
function sizes(
  reader: JsonReader,
  code: CheckpointErrorCode,
  name: string,
  file: string | undefined,
): number[] {
  const values: number[] = [];
  reader.array(() => {
    const spelling = reader.number();
    if (spelling === undefined || !/^[0-9]+$/.test(spelling) || !Number.isSafeInteger(+spelling)) {
      const found = spelling === undefined ? 'something else' : spelling.slice(0, 40);
      const reason = `the header has ${found} where a whole number of at most 2^53 belongs`;
      throw new CheckpointError(code, reason, { file, key: name });
    }
    values.push(Number(spelling));
  });
  return values;
}

/** Checks that the tensors lie back to back from 0; gives the bytes they take together. */
function checkOffsets(entries: Iterable<SafetensorsEntry>, file: string | undefined): number {
  let before: SafetensorsEntry | undefined;
  let at = 0;
  for (const entry of inFileOrder(entries)) {
    if (entry.begin !== at) {
      const what = entry.begin < at ? 'overlaps' : 'leaves a gap after';
      const other = before
        ? `the tensor ${quote(before.name)}, which ends`
        : 'the header, which ends';
      const reason = `begins at ${entry.begin} and so ${what} ${other} at ${at}`;
      throw new CheckpointError('SAFETENSORS_BAD_OFFSETS', reason, { file, key: entry.name });
    }
    before = entry;
    at = entry.end;
  }
  return at;
}

/** The entries in the order of their bytes (empty ones first where several begin at one place). */
export function inFileOrder(entries: Iterable<SafetensorsEntry>): SafetensorsEntry[] {
  return [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
}

/** JSON can spell half a surrogate pair, UTF-8 cannot: the reference library refuses such a file. */
function checkText(
  text: string,
  key: string | undefined,
  code: CheckpointErrorCode,
  file?: string,
): void {
  if (/\p{Surrogate}/u.test(text)) {
    throw new CheckpointError(code, `${quote(text)} is not valid Unicode`, { file, key });
  }
}
