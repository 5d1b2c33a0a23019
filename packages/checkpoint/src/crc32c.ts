// Checksums of 32 bits, eight bytes at a step by eight tables.

function makeTables(polynomial: number): Uint32Array[] {
  const made = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
    made[0]![byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let table = 1; table < 8; table++) {
      const before = made[table - 1]![byte]!;
      made[table]![byte] = (before >>> 8) ^ made[0]![before & 0xff]!;
    }
  }
  return made;
}

const tables = new Map<number, Uint32Array[]>();

/** CRC-32C (Castagnoli) of the bytes, or of what a checksum stands for with the bytes after it. */
export const crc32c = (bytes: Uint8Array, before = 0): number => crc(0x82f63b78, bytes, before);

/** CRC-32, that of zip archives. */
export const crc32 = (bytes: Uint8Array, before = 0): number => crc(0xedb88320, bytes, before);

function crc(polynomial: number, bytes: Uint8Array, before: number): number {
  const made = tables.get(polynomial) ?? makeTables(polynomial);
  tables.set(polynomial, made);
  const [t0, t1, t2, t3, t4, t5, t6, t7] = made as [
    Uint32Array, Uint32Array, Uint32Array, Uint32Array,
    Uint32Array, Uint32Array, Uint32Array, Uint32Array,
  ]; // biome-ignore format: two lines of four
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = ~before;
  let at = 0;
  for (; at + 8 <= bytes.byteLength; at += 8) {
    const low = view.getUint32(at, true) ^ sum;
    const high = view.getUint32(at + 4, true);
    sum =
      t7[low & 0xff]! ^
      t6[(low >>> 8) & 0xff]! ^
      t5[(low >>> 16) & 0xff]! ^
      t4[low >>> 24]! ^
      t3[high & 0xff]! ^
      t2[(high >>> 8) & 0xff]! ^
      t1[(high >>> 16) & 0xff]! ^
      t0[high >>> 24]!;
  }
  for (; at < bytes.byteLength; at++) sum = (sum >>> 8) ^ t0[(sum ^ bytes[at]!) & 0xff]!;
  return ~sum >>> 0;
}

/** A checksum as it is stored beside what it sums up: turned and shifted (LevelDB's `Mask`). */
export function maskedCrc32c(bytes: Uint8Array, before?: number): number {
  const crc = crc32c(bytes, before);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
