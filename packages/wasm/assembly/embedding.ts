// Rows of an embedding table by id, and the gradient of the table: rows of dy added up by id.
import { loadTail, storeTail } from './math';

/** Gives the first row whose id is not in the table, or −1. */
export function embedding(
  weight: usize, ids: usize, y: usize, rows: usize, length: usize, size: usize,
): i32 {
  const bytes = length << 2;
  for (let i: usize = 0; i < rows; i++) {
    const id = load<usize>(ids + (i << 2));
    if (id >= size) return <i32>i;
    memory.copy(y, weight + id * bytes, bytes);
    y += bytes;
  }
  return -1;
}

/** Gives the first row whose id is not in the table, or −1. */
export function embeddingGrad(
  dy: usize, ids: usize, dweight: usize, rows: usize, length: usize, size: usize,
): i32 {
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  memory.fill(dweight, 0, (size * length) << 2);
  for (let i: usize = 0; i < rows; i++) {
    const id = load<usize>(ids + (i << 2));
    if (id >= size) return <i32>i;
    const row = dweight + ((id * length) << 2);
    for (let o: usize = 0; o < whole; o += 16)
      v128.store(row + o, f32x4.add(v128.load(row + o), v128.load(dy + o)));
    if (rest) {
      const sum = f32x4.add(loadTail(row + whole, rest, 0), loadTail(dy + whole, rest, 0));
      storeTail(row + whole, sum, rest);
    }
    dy += length << 2;
  }
  return -1;
}
