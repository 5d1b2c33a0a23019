/** Bytes that one byte can at most stand for: a copy takes three bytes for 64. */
const LARGEST_RATIO = 64 / 3;

/**
 * Undoes Snappy's compression (https://github.com/google/snappy/blob/main/format_description.txt):
 * the length, then literals and copies of what came before. `fail` is told what is wrong, and throws.
 */
export function unsnappy(bytes: Uint8Array, fail: (reason: string) => never): Uint8Array {
  let at = 0;
  const next = () => (at < bytes.byteLength ? bytes[at++]! : fail('Snappy data is cut short'));
  const number = (size: number) => {
    let value = 0;
    for (let i = 0; i < size; i++) value += next() * 2 ** (8 * i);
    return value;
  };

  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = next();
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
    if (shift >= 28) fail('Snappy data begins with no length');
  }
  if (length > bytes.byteLength * LARGEST_RATIO) {
    fail(`${bytes.byteLength} bytes of Snappy data claim to be ${length}`);
  }

  const out = new Uint8Array(length);
  let filled = 0;
  const room = (size: number) => {
    if (size > length - filled) fail('Snappy data is longer than it says');
    return size;
  };
  while (at < bytes.byteLength) {
    const tag = next();
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >>> 2;
      const size = room((short < 60 ? short : number(short - 59)) + 1);
      if (size > bytes.byteLength - at) fail('Snappy data is cut short');
      out.set(bytes.subarray(at, at + size), filled);
      at += size;
      filled += size;
      continue;
    }
    const size = room(kind === 1 ? 4 + ((tag >>> 2) & 7) : (tag >>> 2) + 1);
    const back = kind === 1 ? ((tag >>> 5) << 8) + next() : number(kind === 2 ? 2 : 4);
    if (back === 0 || back > filled) fail('Snappy data copies what is not there');
    // Byte by byte: a copy may reach into what it writes.
    for (const end = filled + size; filled < end; filled++) out[filled] = out[filled - back]!;
  }
  return filled === length ? out : fail('Snappy data is shorter than it says');
}
