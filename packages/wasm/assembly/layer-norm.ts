// Layer normalization (Ba et al. 2016) over the last axis: y = (x − mean)·rstd·gamma + beta.
import { loadTail, madd, nmadd, splat, storeTail, sumLanes } from './math';

export function layerNorm(
  x: usize, gamma: usize, beta: usize, y: usize, means: usize, rstds: usize,
  rows: usize, length: usize, epsilon: f32,
): void {
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  for (let i: usize = 0; i < rows; i++) {
    let sum = splat(0);
    for (let o: usize = 0; o < whole; o += 16) sum = f32x4.add(sum, v128.load(x + o));
    if (rest) sum = f32x4.add(sum, loadTail(x + whole, rest, 0));
    const mean = sumLanes(sum) / <f32>length;
    const mean4 = splat(mean);
    // The variance from the deviations, not from Σx²: that would cancel where the mean is large.
    let squares = splat(0);
    for (let o: usize = 0; o < whole; o += 16) {
      const deviation = f32x4.sub(v128.load(x + o), mean4);
      squares = madd(deviation, deviation, squares);
    }
    if (rest) {
      const deviation = f32x4.sub(loadTail(x + whole, rest, mean), mean4);
      squares = madd(deviation, deviation, squares);
    }
    const rstd = <f32>1 / sqrt<f32>(sumLanes(squares) / <f32>length + epsilon);
    const rstd4 = splat(rstd);
    for (let o: usize = 0; o < whole; o += 16) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + o), mean4), rstd4);
      v128.store(y + o, madd(normal, v128.load(gamma + o), v128.load(beta + o)));
    }
    if (rest) {
      const normal = f32x4.mul(f32x4.sub(loadTail(x + whole, rest, 0), mean4), rstd4);
      const scaled = madd(normal, loadTail(gamma + whole, rest, 0), loadTail(beta + whole, rest, 0));
      storeTail(y + whole, scaled, rest);
    }
    store<f32>(means + (i << 2), mean);
    store<f32>(rstds + (i << 2), rstd);
    x += length << 2;
    y += length << 2;
  }
}

/**
 * With n = (x − mean)·rstd and g = dy·gamma:
 * dx = rstd·(g − mean(g) − n·mean(g·n)), dgamma = Σ dy·n, dbeta = Σ dy.
 */
export function layerNormGrad(
  dy: usize, x: usize, gamma: usize, means: usize, rstds: usize,
  dx: usize, dgamma: usize, dbeta: usize, rows: usize, length: usize,
): void {
  const whole = (length >> 2) << 4;
  const rest = length & 3;
  memory.fill(dgamma, 0, length << 2);
  memory.fill(dbeta, 0, length << 2);
  for (let i: usize = 0; i < rows; i++) {
    const mean = load<f32>(means + (i << 2));
    const mean4 = splat(mean);
    const rstd4 = splat(load<f32>(rstds + (i << 2)));
    let sum = splat(0);
    let products = splat(0);
    for (let o: usize = 0; o < whole; o += 16) {
      const d = v128.load(dy + o);
      const n = f32x4.mul(f32x4.sub(v128.load(x + o), mean4), rstd4);
      const g = f32x4.mul(d, v128.load(gamma + o));
      sum = f32x4.add(sum, g);
      products = madd(g, n, products);
      v128.store(dgamma + o, madd(d, n, v128.load(dgamma + o)));
      v128.store(dbeta + o, f32x4.add(d, v128.load(dbeta + o)));
    }
    if (rest) {
      const d = loadTail(dy + whole, rest, 0);
      const n = f32x4.mul(f32x4.sub(loadTail(x + whole, rest, mean), mean4), rstd4);
      const g = f32x4.mul(d, loadTail(gamma + whole, rest, 0));
      sum = f32x4.add(sum, g);
      products = madd(g, n, products);
      storeTail(dgamma + whole, madd(d, n, loadTail(dgamma + whole, rest, 0)), rest);
      storeTail(dbeta + whole, f32x4.add(d, loadTail(dbeta + whole, rest, 0)), rest);
    }
    const meanOfG = splat(sumLanes(sum) / <f32>length);
    const meanOfGn = splat(sumLanes(products) / <f32>length);
    for (let o: usize = 0; o < whole; o += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + o), mean4), rstd4);
      const g = f32x4.mul(v128.load(dy + o), v128.load(gamma + o));
      v128.store(dx + o, f32x4.mul(rstd4, nmadd(n, meanOfGn, f32x4.sub(g, meanOfG))));
    }
    if (rest) {
      const n = f32x4.mul(f32x4.sub(loadTail(x + whole, rest, mean), mean4), rstd4);
      const g = f32x4.mul(loadTail(dy + whole, rest, 0), loadTail(gamma + whole, rest, 0));
      storeTail(dx + whole, f32x4.mul(rstd4, nmadd(n, meanOfGn, f32x4.sub(g, meanOfG))), rest);
    }
    dy += length << 2;
    x += length << 2;
    dx += length << 2;
  }
}
