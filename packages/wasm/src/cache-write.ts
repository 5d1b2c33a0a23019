import { check, input, type Kernel } from './kernel-host.js';

/**
 * Writes into `cache` [b, room, w], in place, and gives nothing: the first `length` positions of each
 * row of x [b', n, w] become its positions `position`, `position` + 1, …; with `rows` its row i is
 * written from row `rows[i]` of x, otherwise from row i.
 */
export const cacheWrite: Kernel = {
  name: 'MhCacheWrite',
  run(call) {
    const [cache, x] = ['cache', 'x'].map((name) => input(call, 'MhCacheWrite', name));
    const shapes = () => `cache [${cache!.shape}], x [${x!.shape}]`;
    check(
      cache!.shape.length === 3 && x!.shape.length === 3 && cache!.shape[2] === x!.shape[2],
      'MhCacheWrite',
      () => `${shapes()}: not [batch, length, width], of one width`,
    );
    const [batch, room, width] = cache!.shape as [number, number, number];
    const [given, positions] = x!.shape as [number, number];
    const [position, length] = [Number(call.attrs.position), Number(call.attrs.length)];
    check(
      [position, length].every((n) => Number.isInteger(n) && n >= 0) &&
        position + length <= room &&
        length <= positions,
      'MhCacheWrite',
      () => `${length} positions of x do not go to position ${position}: ${shapes()}`,
    );
    const rows =
      (call.attrs.rows as number[] | undefined) ?? Array.from({ length: batch }).map((_, i) => i);
    check(
      rows.length === batch &&
        rows.every((row) => Number.isInteger(row) && row >= 0 && row < given),
      'MhCacheWrite',
      () => `rows [${rows}] are not ${batch} rows of x: ${shapes()}`,
    );
    const [to, from] = [call.address(cache!), call.address(x!)];
    for (const [i, row] of rows.entries())
      call.wasm.copy!(
        to + 4 * (i * room + position) * width,
        from + 4 * row * positions * width,
        4 * length * width,
      );
    return [];
  },
};
