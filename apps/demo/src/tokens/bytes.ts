/**
 * The bytes a piece of byte-level BPE stands for, undefined if it is not spelled in that alphabet.
 * GPT-2 writes bytes that are visible in Latin-1 as themselves, and the others as U+0100, U+0101, …
 */
export function bytesOf(piece: string): number[] | undefined {
  const bytes = Array.from(piece, (char) => byteOf.get(char));
  return bytes.every((byte) => byte !== undefined) ? bytes : undefined;
}

const isVisible = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
const allBytes = Array.from({ length: 256 }, (_, byte) => byte);
const byteOf = new Map<string, number>();
for (const byte of allBytes.filter(isVisible)) byteOf.set(String.fromCharCode(byte), byte);
for (const [i, byte] of allBytes.filter((byte) => !isVisible(byte)).entries()) {
  byteOf.set(String.fromCharCode(0x100 + i), byte);
}
