import { crc32 } from './crc32c.js';
import { CheckpointError, quote } from './errors.js';
import type { RandomFile } from './random-file.js';
import { checkName } from './source.js';

// The zip format (APPNOTE.TXT) as far as torch.save writes it: entries stored as they are, sizes of 64
// bits where they need them. What is compressed is refused, so no byte can stand for many.

const END = 0x06054b50; // of the central directory, at the end of the file
const END_BYTES = 22;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const DIRECTORY_ENTRY = 0x02014b50;
const DIRECTORY_ENTRY_BYTES = 46;
const LOCAL_ENTRY = 0x04034b50;
const LOCAL_ENTRY_BYTES = 30;
const LONGEST_COMMENT = 0xffff;

/** Bytes that are summed up at once. */
const PART = 1 << 22;

export interface ZipEntry {
  name: string;
  /** Bytes of its content. */
  size: number;
  /** CRC-32 of its content; 0 where torch.save was told to leave it out. */
  checksum: number;
  /** Where its own header is, which its content follows. */
  headerAt: number;
  /** Where what comes next in the file begins. */
  limit: number;
}

/** Whether a file that begins with these bytes is a zip archive. */
export function isZip(first: Uint8Array): boolean {
  return first[0] === 0x50 && first[1] === 0x4b && (first[2] === 3 || first[2] === 5);
}

/**
 * The entries of an archive by name, from its directory alone, checked: each lies in the file, none
 * overlaps another, and names stay inside of where one would unpack them.
 *
 * @throws CheckpointError BAD_ZIP, BAD_NAME, NOT_SUPPORTED, TRUNCATED
 */
export async function readZipDirectory(zip: RandomFile): Promise<Map<string, ZipEntry>> {
  const { file } = zip;
  const directory = await findDirectory(zip);
  const bytes = await zip.read(directory.at, directory.size);
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < directory.count; i++) {
    if (
      at + DIRECTORY_ENTRY_BYTES > bytes.byteLength ||
      view.getUint32(at, true) !== DIRECTORY_ENTRY
    ) {
      throw bad(file, `its directory has not the ${directory.count} entries it says`);
    }
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const checksum = view.getUint32(at + 16, true);
    const nameAt = at + DIRECTORY_ENTRY_BYTES;
    const extraAt = nameAt + view.getUint16(at + 28, true);
    const commentAt = extraAt + view.getUint16(at + 30, true);
    const next = commentAt + view.getUint16(at + 32, true);
    if (next > bytes.byteLength) throw bad(file, 'an entry of its directory is cut short');
    const name = nameOf(bytes.subarray(nameAt, extraAt), file);
    const [size, stored, headerAt] = wide(
      viewOf(bytes.subarray(extraAt, commentAt)),
      [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)],
      file,
    );
    at = next;
    if (method !== 0 || (flags & 1) !== 0) {
      const how = flags & 1 ? 'encrypted' : 'compressed';
      const reason = `is ${how}, which torch.save never does: unpack it and zip it with \`zip -0\``;
      throw new CheckpointError('NOT_SUPPORTED', reason, { file, key: name });
    }
    if (size !== stored) throw bad(file, `has two sizes, ${size} and ${stored}`, name);
    if (entries.has(name)) throw bad(file, 'is there twice', name);
    checkName(name.replace(/\/$/, ''), file);
    entries.set(name, { name, size, checksum, headerAt, limit: directory.at });
  }
  checkOverlaps([...entries.values()], file);
  return entries;
}

/** Where an entry's content begins. */
export async function contentStart(zip: RandomFile, entry: ZipEntry): Promise<number> {
  const { file } = zip;
  const { name, size, headerAt, limit } = entry;
  const header = await zip.read(headerAt, LOCAL_ENTRY_BYTES);
  const view = viewOf(header);
  if (view.getUint32(0, true) !== LOCAL_ENTRY) throw bad(file, 'is not where it should be', name);
  const nameBytes = view.getUint16(26, true);
  const start = headerAt + LOCAL_ENTRY_BYTES + nameBytes + view.getUint16(28, true);
  if (start + size > limit) throw bad(file, 'leads into what follows it', name);
  const local = await zip.read(headerAt + LOCAL_ENTRY_BYTES, nameBytes);
  if (nameOf(local, file) !== name) throw bad(file, 'has another name in its own header', name);
  return start;
}

/**
 * Reads an entry's content through, a part at a time, and holds it against its checksum.
 *
 * @throws CheckpointError BAD_CHECKSUM
 */
export async function checkContent(
  zip: RandomFile,
  { name, size, checksum }: ZipEntry,
  start: number,
): Promise<void> {
  if (checksum === 0) return;
  let sum = 0;
  for (let at = 0; at < size; at += PART) {
    sum = crc32(await zip.read(start + at, Math.min(PART, size - at)), sum);
  }
  if (sum === checksum) return;
  const reason = 'its bytes do not have the checksum that the archive has for them: it is damaged';
  throw new CheckpointError('BAD_CHECKSUM', reason, { file: zip.file, key: name });
}

interface Directory {
  at: number;
  size: number;
  count: number;
}

async function findDirectory(zip: RandomFile): Promise<Directory> {
  const { file, byteLength } = zip;
  const tailBytes = Math.min(byteLength, END_BYTES + LONGEST_COMMENT);
  const tail = await zip.read(byteLength - tailBytes, tailBytes);
  const view = viewOf(tail);
  let end = tailBytes - END_BYTES;
  while (end >= 0 && !isEnd(view, end)) end--;
  if (end < 0) {
    const reason = 'the directory at the end of the zip archive is missing: the file was cut short';
    throw new CheckpointError('TRUNCATED', reason, { file });
  }
  const endAt = byteLength - tailBytes + end;
  const found = {
    count: view.getUint16(end + 10, true),
    size: view.getUint32(end + 12, true),
    at: view.getUint32(end + 16, true),
  };
  const directory = (await findDirectory64(zip, endAt)) ?? found;
  const { at, size, count } = directory;
  if (at + size > endAt || count * DIRECTORY_ENTRY_BYTES > size) {
    throw bad(file, `its directory of ${count} entries in ${size} bytes at ${at} cannot be`);
  }
  return directory;
}

/** The end of the directory: its comment must end where the file does. */
function isEnd(view: DataView, at: number): boolean {
  if (view.getUint32(at, true) !== END) return false;
  return at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength;
}

async function findDirectory64(zip: RandomFile, endAt: number): Promise<Directory | undefined> {
  const locatorAt = endAt - LOCATOR64_BYTES;
  if (locatorAt < 0) return undefined;
  const locator = viewOf(await zip.read(locatorAt, LOCATOR64_BYTES));
  if (locator.getUint32(0, true) !== LOCATOR64) return undefined;
  const at = long(locator, 8, zip.file);
  if (at + 56 > locatorAt) throw bad(zip.file, 'its 64-bit directory is not where it should be');
  const view = viewOf(await zip.read(at, 56));
  if (view.getUint32(0, true) !== END64) throw bad(zip.file, 'its 64-bit directory is missing');
  return {
    count: long(view, 32, zip.file),
    size: long(view, 40, zip.file),
    at: long(view, 48, zip.file),
  };
}

/** Sizes and places, with those that 32 bits cannot hold from the extra field, where they stand in this order. */
function wide(
  extra: DataView,
  values: [size: number, stored: number, headerAt: number],
  file: string,
): [size: number, stored: number, headerAt: number] {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const end = at + 4 + extra.getUint16(at + 2, true);
    if (end > extra.byteLength) break;
    if (extra.getUint16(at, true) === 1) {
      at += 4;
      return values.map((value) => {
        if (value !== 0xffffffff) return value;
        if (at + 8 > end) throw bad(file, 'an entry of its directory lacks its size');
        at += 8;
        return long(extra, at - 8, file);
      }) as [number, number, number];
    }
    at = end;
  }
  return values;
}

function checkOverlaps(entries: ZipEntry[], file: string): void {
  entries.sort((a, b) => a.headerAt - b.headerAt);
  entries.forEach((entry, i) => {
    const next = entries[i + 1];
    if (next) entry.limit = Math.min(entry.limit, next.headerAt);
    const least = LOCAL_ENTRY_BYTES + entry.size;
    if (entry.headerAt + least <= entry.limit) return;
    const reason = next ? `overlaps ${quote(next.name)}` : 'leads out of the archive';
    throw bad(file, reason, entry.name);
  });
}

function nameOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw bad(file, 'a name is not valid UTF-8');
  }
}

function long(view: DataView, at: number, file: string): number {
  const value = view.getBigUint64(at, true);
  if (value <= Number.MAX_SAFE_INTEGER) return Number(value);
  throw bad(file, `it claims ${value} bytes`);
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const bad = (file: string, reason: string, key?: string): CheckpointError =>
  new CheckpointError(
    'BAD_ZIP',
    `${key === undefined ? 'the zip archive is damaged: ' : ''}${reason}`,
    { file, key },
  );
