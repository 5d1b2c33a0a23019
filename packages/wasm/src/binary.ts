/** A binary from the text it travels as: base64 of gzip. */
export async function unpack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * The binary with its memory, its own or the one it imports, declared shared, so that threads can have
 * it too. A flag says so; all else is the same code.
 */
export function withSharedMemory(binary: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [FUNCTION, MEMORY, IMPORTS, MEMORIES] = [0, 2, 2, 5];
  const bytes = binary.slice();
  let at = 8;
  const number = () => {
    let [value, shift, byte] = [0, 0, 0];
    do {
      byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte & 128);
    return value;
  };
  const skipName = () => {
    const length = number();
    at += length;
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const length = number();
    const end = at + length;
    if (section === IMPORTS) {
      for (let left = number(); left > 0; left--) {
        skipName();
        skipName();
        const kind = bytes[at++];
        if (kind === FUNCTION) number();
        else if (kind === MEMORY) bytes[at]! |= 2;
        if (kind !== FUNCTION) break;
      }
    } else if (section === MEMORIES) {
      number();
      bytes[at]! |= 2;
    }
    at = end;
  }
  return bytes;
}

/** Whether memory can be shared here: in Node, and in pages that are isolated from other origins. */
export function canShareMemory(): boolean {
  const { crossOriginIsolated = true } = globalThis as { crossOriginIsolated?: boolean };
  return typeof SharedArrayBuffer === 'function' && crossOriginIsolated;
}
