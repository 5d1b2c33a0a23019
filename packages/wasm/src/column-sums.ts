import { check, input, type Kernel, sameShape } from './kernel-host.js';

/** Nanoseconds that a float takes. */
const PER_FLOAT = 0.2;

/** x [rows, n] → Σ over the rows, [n]; with `by` [rows, n], first x∘by and then the sums of that. */
export const columnSums: Kernel = {
  name: 'MhColumnSums',
  run(call) {
    const x = input(call, 'MhColumnSums', 'x');
    const by = call.inputs.by && input(call, 'MhColumnSums', 'by');
    check(x.shape.length === 2, 'MhColumnSums', () => `x [${x.shape}] is not a matrix`);
    check(
      !by || sameShape(by.shape, x.shape),
      'MhColumnSums',
      () => `x is [${x.shape}], by [${by?.shape}]`,
    );
    const [rows, n] = x.shape as [number, number];
    const product = by && call.output(x.shape);
    const sums = call.output([n]);
    const at = [x, by, product, sums].map((tensor) => (tensor ? call.address(tensor) : 0));
    const calls = call
      .parts(n, rows * PER_FLOAT, 16)
      .map(([from, to]) => [
        ...at.map((address) => address && address + 4 * from),
        ...[rows, to - from, n],
      ]);
    call.run('columnSums', calls);
    return product ? [product, sums] : sums;
  },
};
