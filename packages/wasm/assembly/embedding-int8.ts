// Look-ups in an embedding table held in int8, in the panels of gemm-int8.ts: so that a decoder can
// share it.
import { splat, storeTail } from './math';

/**
 * Rows of W by id: y [count, k] = scale·(byte − 128). Answers −1, or the first place whose id is not
 * one of `n`.
 */
export function int8Embedding(
  panels: usize, weightScales: usize, ids: usize, y: usize, count: usize, n: usize, k: usize,
): isize {
  const quads = (k + 3) >> 2;
  for (let i: usize = 0; i < count; i++) {
    const id = load<u32>(ids + (i << 2));
    if (id >= <u32>n) return i;
    const scale = splat(load<f32>(weightScales + (<usize>id << 2)));
    let from = panels + (<usize>id >> 4) * (quads << 6) + ((<usize>id & 15) << 2);
    for (let p: usize = 0; p < k; p += 4) {
      const bytes = i16x8.extend_low_i8x16_u(v128.load32_zero(from));
      const integers = i32x4.sub(i32x4.extend_low_i16x8_s(bytes), i32x4.splat(128));
      const values = f32x4.mul(f32x4.convert_i32x4_s(integers), scale);
      if (p + 4 <= k) v128.store(y, values);
      else storeTail(y, values, k - p);
      y += min(4, k - p) << 2;
      from += 64;
    }
  }
  return -1;
}
