import { viewAs } from './convert.js';

/**
 * The elements of a tensor row by row, from bytes that begin with its first element and have others so
 * many `strides` of elements further, by dimension. An element has `width` bytes.
 */
export function gather(
  bytes: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
): Uint8Array {
  const out = new Uint8Array(shape.reduce((product, size) => product * size, width));
  if (out.byteLength === 0) return out;
  // Eight bytes are two words: as a float64 a NaN might not stay the same.
  const words = width === 8 ? 2 : 1;
  const Kind = width >= 4 ? Uint32Array : width === 2 ? Uint16Array : Uint8Array;
  const from = viewAs<Uint32Array | Uint16Array | Uint8Array>(bytes, Kind);
  const to = viewAs<Uint32Array | Uint16Array | Uint8Array>(out, Kind);
  const outer = shape.slice(0, -1);
  const row = (shape.at(-1) ?? 1) * words;
  const step = (strides.at(-1) ?? 0) * words;
  const place = outer.map(() => 0);
  let start = 0;
  for (let at = 0; at < to.length; ) {
    let source = start * words;
    for (const end = at + row; at < end; at += words, source += step) {
      to[at] = from[source]!;
      if (words === 2) to[at + 1] = from[source + 1]!;
    }
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      start += strides[axis]!;
      if (++place[axis]! < outer[axis]!) break;
      start -= strides[axis]! * outer[axis]!;
      place[axis] = 0;
    }
  }
  return out;
}

/** A matrix [rows, columns] as [columns, rows]. */
export function transpose(
  bytes: Uint8Array,
  [rows, columns]: readonly [number, number],
  width: number,
): Uint8Array {
  return gather(bytes, [columns, rows], [1, columns], width);
}
