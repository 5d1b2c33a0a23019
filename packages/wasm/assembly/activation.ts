// The activations that a matrix product can end with.
import { gelu } from './gelu';
import { exp4, loadTail, sigmoid4, splat, storeTail, tanh4 } from './math';

/** In place on c[m, n]. The numbers are those of src/mat-mul.ts. */
export function activate(c: usize, ldc: usize, m: usize, n: usize, activation: i32): void {
  if (ldc == n) {
    n *= m;
    m = 1;
  }
  const whole = (n >> 2) << 4;
  const rest = n & 3;
  for (let i: usize = 0; i < m; i++) {
    const row = c + ((i * ldc) << 2);
    if (activation <= 2) {
      gelu(row, row, n, activation == 2);
      continue;
    }
    for (let o: usize = 0; o < whole; o += 16)
      v128.store(row + o, activation4(v128.load(row + o), activation));
    if (rest) storeTail(row + whole, activation4(loadTail(row + whole, rest, 0), activation), rest);
  }
}

/** On four lanes. */
// @ts-ignore: decorator
@inline
function activation4(x: v128, activation: i32): v128 {
  if (activation == 3) return f32x4.pmax(x, splat(0));
  if (activation == 4) return tanh4(x);
  if (activation == 5) return f32x4.mul(x, sigmoid4(x));
  if (activation == 6) return f32x4.pmin(f32x4.pmax(x, splat(0)), splat(6));
  if (activation == 7) return sigmoid4(x);
  return v128.bitselect(f32x4.sub(exp4(f32x4.pmin(x, splat(0))), splat(1)), x, f32x4.lt(x, splat(0)));
}
