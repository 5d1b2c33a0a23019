import { check, input, type Kernel, sizeOf } from './kernel-host.js';
import { int8Matrix } from './linear-int8.js';

/** The rows of a table [n, dim] in int8 (see `int8Matrix`) at ids, int32 [...] → [..., dim]. */
export const embeddingInt8: Kernel = {
  name: 'MhEmbeddingInt8',
  run(call) {
    const ids = input(call, 'MhEmbeddingInt8', 'ids', 'int32');
    const { values, scales, n, quads } = int8Matrix(call, 'MhEmbeddingInt8');
    const dim = Number(call.attrs.dim);
    check(
      Number.isInteger(dim) && dim >= 0 && Math.ceil(dim / 4) === quads,
      'MhEmbeddingInt8',
      () => `dim is ${call.attrs.dim}, which values [${values.shape}] do not hold`,
    );
    const y = call.output([...ids.shape, dim]);
    const count = sizeOf(ids.shape);
    const at = [values, scales, ids, y].map(call.address);
    const bad = call.wasm.int8Embedding!(...at, count, n, dim);
    check(bad < 0, 'MhEmbeddingInt8', () => `the id at place ${bad} is not one of ${n}`);
    return y;
  },
};
