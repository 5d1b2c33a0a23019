/** A binary from the text it travels as: base64 of gzip. */
export async function unpack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
