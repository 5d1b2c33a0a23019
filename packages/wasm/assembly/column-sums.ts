// The gradient of a bias, and what comes before it where an activation follows the bias.

/**
 * sums [n] = Σ over the rows of x [m, n]. Where `by` is not 0, y = x∘by comes first and its rows are
 * summed. The rows of x, by and y are `ld` floats apart.
 */
export function columnSums(
  x: usize, by: usize, y: usize, sums: usize, m: usize, n: usize, ld: usize,
): void {
  const step = ld << 2;
  memory.fill(sums, 0, n << 2);
  let i: usize = 0;
  // Four rows side by side: the sums are read and written a quarter as often.
  for (; i + 4 <= m; i += 4) {
    rows(x, by, y, sums, n, step, 2 * step, 3 * step);
    x += 4 * step;
    if (by) {
      by += 4 * step;
      y += 4 * step;
    }
  }
  for (; i < m; i++) {
    row(x, by, y, sums, n);
    x += step;
    if (by) {
      by += step;
      y += step;
    }
  }
}

/** Four rows, the others that far from the first. */
function rows(
  x: usize, by: usize, y: usize, sums: usize, n: usize, second: usize, third: usize, fourth: usize,
): void {
  const bytes = n << 2, whole = bytes & ~(<usize>15);
  let o: usize = 0;
  if (by) {
    for (; o < whole; o += 16) {
      const a = f32x4.mul(v128.load(x + o), v128.load(by + o));
      const b = f32x4.mul(v128.load(x + second + o), v128.load(by + second + o));
      const c = f32x4.mul(v128.load(x + third + o), v128.load(by + third + o));
      const d = f32x4.mul(v128.load(x + fourth + o), v128.load(by + fourth + o));
      v128.store(y + o, a); v128.store(y + second + o, b);
      v128.store(y + third + o, c); v128.store(y + fourth + o, d);
      const sum = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
      v128.store(sums + o, f32x4.add(v128.load(sums + o), sum));
    }
  } else {
    for (; o < whole; o += 16) {
      const sum = f32x4.add(
        f32x4.add(v128.load(x + o), v128.load(x + second + o)),
        f32x4.add(v128.load(x + third + o), v128.load(x + fourth + o)),
      );
      v128.store(sums + o, f32x4.add(v128.load(sums + o), sum));
    }
  }
  if (o == bytes) return;
  const left = (bytes - o) >> 2, byRest = by ? by + o : 0;
  for (let p: usize = 0; p <= fourth; p += second)
    row(x + o + p, byRest ? byRest + p : 0, y + o + p, sums + o, left);
}

/** One row. */
function row(x: usize, by: usize, y: usize, sums: usize, n: usize): void {
  const bytes = n << 2, whole = bytes & ~(<usize>15);
  let o: usize = 0;
  for (; o < whole; o += 16) {
    let value = v128.load(x + o);
    if (by) {
      value = f32x4.mul(value, v128.load(by + o));
      v128.store(y + o, value);
    }
    v128.store(sums + o, f32x4.add(v128.load(sums + o), value));
  }
  for (; o < bytes; o += 4) {
    let value = load<f32>(x + o);
    if (by) {
      value *= load<f32>(by + o);
      store<f32>(y + o, value);
    }
    store<f32>(sums + o, load<f32>(sums + o) + value);
  }
}
