// A constant right-hand side B of a matrix product, packed once. Of its n columns, each 16 are a panel
// [k, 16], one after the other; the n mod 16 that are left stay as they were, each a row of k floats. So
// packed and unpacked take the same room, and [n, k] is packed where it lies.
import { pack, packTransposed } from './packing';

/**
 * b [n, k] (`transposed`) or [k, n] into panels. The first may be packed in place, with k × 16 floats of
 * scratch memory.
 */
export function toPanels(
  b: usize, transposed: bool, panels: usize, n: usize, k: usize, scratch: usize,
): void {
  const whole = n & ~(<usize>15);
  const bytes = k << 6;
  for (let j: usize = 0; j < whole; j += 16) {
    const panel = panels + ((j * k) << 2);
    if (!transposed) pack(b + (j << 2), n, panel, k, 16);
    else {
      packTransposed(b + ((j * k) << 2), k, scratch, k, 16);
      memory.copy(panel, scratch, bytes);
    }
  }
  if (transposed) {
    const rest = (whole * k) << 2;
    if (b != panels) memory.copy(panels + rest, b + rest, ((n - whole) * k) << 2);
    return;
  }
  for (let j = whole; j < n; j++)
    for (let p: usize = 0; p < k; p++)
      store<f32>(panels + ((j * k + p) << 2), load<f32>(b + ((p * n + j) << 2)));
}

/**
 * Columns `ids` of the packed b to the rows of y [count, k]; the index of the first id that is none of
 * its n, or −1.
 */
export function panelRows(
  panels: usize, ids: usize, y: usize, count: usize, k: usize, n: usize,
): i32 {
  const whole = n & ~(<usize>15);
  for (let i: usize = 0; i < count; i++) {
    const id = <usize>load<u32>(ids + (i << 2));
    if (id >= n) return <i32>i;
    if (id >= whole) memory.copy(y, panels + ((id * k) << 2), k << 2);
    else {
      let from = panels + (((id >> 4) * k) << 6) + ((id & 15) << 2);
      for (let o: usize = 0; o < k << 2; o += 4) {
        store<f32>(y + o, load<f32>(from));
        from += 64;
      }
    }
    y += k << 2;
  }
  return -1;
}
