import { check, input, type Kernel, type KernelCall } from './kernel-host.js';

/*
 * A key-value cache is a tensor [batch, room, width] of which some positions that follow each other hold
 * something. These kernels write to it in place; what lies beyond those positions is never read.
 */

const isCount = (n: number, end: number) => Number.isInteger(n) && n >= 0 && n <= end;

/** The cache's sizes, and of each row how many floats on it is. */
function read(call: KernelCall, kernel: string) {
  const cache = input(call, kernel, 'cache');
  check(
    cache.shape.length === 3,
    kernel,
    () => `cache [${cache.shape}] is not [batch, room, width]`,
  );
  const [batch, room, width] = cache.shape as [number, number, number];
  return { cache, batch, room, width, rowBytes: 4 * room * width };
}

/** The rows to take, and of each how many positions from where on. */
function selection(call: KernelCall, kernel: string, batch: number, room: number) {
  const rows = (call.attrs.rows ?? []) as number[];
  const start = Number(call.attrs.start ?? 0);
  const length = Number(call.attrs.length);
  check(
    isCount(start, room) &&
      isCount(length, room - start) &&
      rows.every((row) => isCount(row, batch - 1)),
    kernel,
    () =>
      `rows [${rows}], start ${start}, length ${length}: the cache has ${batch} rows with room for ${room}`,
  );
  return { rows, start, length };
}

/** Which of `room` keys, a cache's or all there are, attention is to count: `length` from `start` on. */
export function heldKeys(
  { attrs }: KernelCall,
  kernel: string,
  room: number,
): { start: number; length: number } {
  const start = Number(attrs.keyStart ?? 0);
  const length = Number(attrs.keyLength ?? room - start);
  check(
    isCount(start, room) && isCount(length, room - start),
    kernel,
    () =>
      `keyLength is ${length}${start > 0 ? ` from ${start} on` : ''}, but there are ${room} keys`,
  );
  return { start, length };
}

/**
 * x [b, n, w] becomes the positions `position` to `position` + n of cache [b, room, w]; of a wider x those
 * columns do that begin with `column`.
 */
export const cacheWrite: Kernel = {
  name: 'MhCacheWrite',
  run(call) {
    const { cache, batch, room, width, rowBytes } = read(call, 'MhCacheWrite');
    const x = input(call, 'MhCacheWrite', 'x');
    const [rows, length, xWidth] = x.shape as [number, number, number];
    const position = Number(call.attrs.position);
    const { column = 0 } = call.attrs as { column?: number };
    check(
      x.shape.length === 3 &&
        rows === batch &&
        isCount(column, xWidth - width) &&
        (xWidth === width || 'column' in call.attrs) &&
        isCount(position, room - length),
      'MhCacheWrite',
      () =>
        `x [${x.shape}] from column ${column} on does not go to position ${position} of cache [${cache.shape}]`,
    );
    const to = call.address(cache) + 4 * position * width;
    const from = call.address(x) + 4 * column;
    for (let row = 0; row < batch; row++) {
      const places = [to + row * rowBytes, 4 * width, from + 4 * row * length * xWidth, 4 * xWidth];
      call.wasm.copyRows!(...places, 4 * width, length);
    }
    return [];
  },
};

/** Row i of the cache becomes what row `rows[i]` was, `length` positions from `start` (default 0) on. */
export const cacheReorder: Kernel = {
  name: 'MhCacheReorder',
  run(call) {
    const { cache, batch, room, width, rowBytes } = read(call, 'MhCacheReorder');
    const { rows, start, length } = selection(call, 'MhCacheReorder', batch, room);
    check(rows.length === batch, 'MhCacheReorder', () => `rows [${rows}] are not ${batch}`);
    const spare = call.scratch(length * width);
    const base = call.address(cache) + 4 * start * width;
    const copy = (to: number, from: number) => call.wasm.copy!(to, from, 4 * length * width);
    /** Of each row still to be written, where its contents are. */
    const from = new Map(
      [...rows.entries()]
        .filter(([row, source]) => row !== source)
        .map(([row, source]) => [base + row * rowBytes, base + source * rowBytes]),
    );
    while (from.size > 0) {
      const needed = new Set(from.values());
      // A row that no other waits for; where each waits for another, one is put aside.
      const free = [...from.keys()].find((to) => !needed.has(to));
      if (free === undefined) {
        const [first] = from.keys() as Iterable<number>;
        copy(spare, first!);
        for (const [to, source] of from) if (source === first) from.set(to, spare);
        continue;
      }
      copy(free, from.get(free)!);
      from.delete(free);
    }
    return [];
  },
};

/** `length` positions from `start` (default 0) on, of the rows `rows` → the first of a new cache [rows, room, w]. */
export const cacheCopy: Kernel = {
  name: 'MhCacheCopy',
  run(call) {
    const { cache, batch, room, width, rowBytes } = read(call, 'MhCacheCopy');
    const { rows, start, length } = selection(call, 'MhCacheCopy', batch, room);
    const newRoom = Number(call.attrs.room);
    check(
      isCount(length, newRoom),
      'MhCacheCopy',
      () => `room for ${newRoom} of ${length} positions`,
    );
    const copied = call.output([rows.length, newRoom, width]);
    const [to, from] = [call.address(copied), call.address(cache) + 4 * start * width];
    for (const [i, row] of rows.entries())
      call.wasm.copy!(to + 4 * i * newRoom * width, from + row * rowBytes, 4 * length * width);
    return copied;
  },
};
