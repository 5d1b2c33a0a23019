// An activation and its derivative, of which the backward pass of a product needs nothing else.
import { geluWithSlope } from './gelu';
import { loadTail, sigmoid4, splat, storeTail, tanh4 } from './math';

/** As `activate`, of the activations from 1 to 5; and their derivatives to `slopes`, [m, n] and `ldc` too. */
export function activateWithSlope(
  c: usize, slopes: usize, ldc: usize, m: usize, n: usize, activation: i32,
): void {
  const whole = (n >> 2) << 4;
  const rest = n & 3;
  for (let i: usize = 0; i < m; i++) {
    const row = c + ((i * ldc) << 2), slope = slopes + ((i * ldc) << 2);
    if (activation <= 2) {
      geluWithSlope(row, slope, n, activation == 2);
      continue;
    }
    for (let o: usize = 0; o < whole; o += 16) {
      const x = v128.load(row + o);
      const y = value4(x, activation);
      v128.store(row + o, y);
      v128.store(slope + o, slope4(x, y, activation));
    }
    if (rest) {
      const x = loadTail(row + whole, rest, 0);
      const y = value4(x, activation);
      storeTail(row + whole, y, rest);
      storeTail(slope + whole, slope4(x, y, activation), rest);
    }
  }
}

function value4(x: v128, activation: i32): v128 {
  if (activation == 3) return f32x4.pmax(x, splat(0));
  return activation == 4 ? tanh4(x) : f32x4.mul(x, sigmoid4(x));
}

/** The derivative at x, where the value is y. */
function slope4(x: v128, y: v128, activation: i32): v128 {
  if (activation == 3) return v128.and(f32x4.gt(x, splat(0)), splat(1));
  if (activation == 4) return f32x4.sub(splat(1), f32x4.mul(y, y));
  // x·s with s = σ(x): s + x·s·(1 − s)
  const s = sigmoid4(x);
  return f32x4.add(s, f32x4.mul(y, f32x4.sub(splat(1), s)));
}
