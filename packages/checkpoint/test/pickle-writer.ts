/** A pickle from opcodes and what follows them: text as its bytes, numbers as bytes. */
export function pickleOf(...parts: (string | number | Uint8Array)[]): Uint8Array {
  const pieces = parts.map((part) => {
    if (typeof part === 'number') return Uint8Array.of(part);
    return typeof part === 'string' ? new TextEncoder().encode(part) : part;
  });
  const bytes = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** BINUNICODE of a text. */
export function textOf(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return pickleOf('X', u32(bytes.byteLength), bytes);
}

/** BINGET's and BININT's four bytes. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

export interface TensorLies {
  key?: string;
  type?: string;
  elements?: number;
  offset?: number;
  shape?: number[];
  strides?: number[];
}

/** What makes a tensor, as torch.save spells it: over a storage of `elements` floats. */
export function tensorOf({
  key = '0',
  type = 'FloatStorage',
  elements = 4,
  offset = 0,
  shape = [4],
  strides = [1],
}: TensorLies = {}): Uint8Array {
  const tuple = (values: number[]) => pickleOf('(', ...values.flatMap((v) => ['J', u32(v)]), 't');
  return pickleOf(
    'ctorch._utils\n_rebuild_tensor_v2\n((',
    textOf('storage'),
    `ctorch\n${type}\n`,
    textOf(key),
    textOf('cpu'),
    ...['J', u32(elements), 'tQ', 'J', u32(offset)],
    tuple(shape),
    tuple(strides),
    0x89, // requires no gradient
    'ccollections\nOrderedDict\n)RtR',
  );
}

/** A state dict of such tensors. */
export function stateOf(tensors: Record<string, Uint8Array>): Uint8Array {
  const items = Object.entries(tensors).flatMap(([name, tensor]) => [textOf(name), tensor]);
  return pickleOf(0x80, 2, '}(', ...items, 'u.');
}
