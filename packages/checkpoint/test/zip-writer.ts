/** An entry of an archive to be made, and the lies to be told of it. */
export interface ZipPart {
  name: string;
  content: Uint8Array;
  method?: number;
  flags?: number;
  /** What the directory says in place of the truth. */
  size?: number;
  stored?: number;
  headerAt?: number;
  localName?: string;
}

/** A zip archive of stored entries, as torch.save writes them. */
export function zipOf(
  parts: ZipPart[],
  lies: { count?: number; size?: number; at?: number; comment?: string } = {},
): Uint8Array {
  const out: number[] = [];
  const u16 = (value: number) => out.push(value & 0xff, (value >> 8) & 0xff);
  const u32 = (value: number) => {
    u16(value & 0xffff);
    u16(value >>> 16);
  };
  const text = (value: string) => {
    for (const byte of new TextEncoder().encode(value)) out.push(byte);
  };
  const bytesIn = (value: string) => new TextEncoder().encode(value).byteLength;
  const starts = parts.map(({ name, content, method = 0, flags = 0, localName = name }) => {
    const at = out.length;
    u32(0x04034b50);
    for (const field of [20, flags, method, 0, 0]) u16(field);
    for (const field of [0, content.byteLength, content.byteLength]) u32(field);
    u16(bytesIn(localName));
    u16(0);
    text(localName);
    for (const byte of content) out.push(byte);
    return at;
  });
  const at = out.length;
  parts.forEach(({ name, content, method = 0, flags = 0, size, stored, headerAt }, i) => {
    u32(0x02014b50);
    for (const field of [20, 20, flags, method, 0, 0]) u16(field);
    for (const field of [0, stored ?? size ?? content.byteLength, size ?? content.byteLength])
      u32(field);
    for (const field of [bytesIn(name), 0, 0, 0, 0]) u16(field);
    u32(0);
    u32(headerAt ?? starts[i]!);
    text(name);
  });
  const size = out.length - at;
  const { comment = '' } = lies;
  u32(0x06054b50);
  for (const field of [0, 0, lies.count ?? parts.length, lies.count ?? parts.length]) u16(field);
  u32(lies.size ?? size);
  u32(lies.at ?? at);
  u16(comment.length);
  text(comment);
  return Uint8Array.from(out);
}
