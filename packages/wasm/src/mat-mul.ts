import { check, input, type Kernel, sameShape, sizeOf } from './kernel-host.js';

/** The numbers assembly/activation.ts knows them by. */
const activations: Record<string, number> = { gelu: 1, gelu_new: 2, relu: 3, tanh: 4, silu: 5 };

/**
 * activation(op(a)·op(b) + bias): a [..., m, k] and b [..., k, n] (or, with `transposeA` and
 * `transposeB`, [..., k, m] and [..., n, k]) → [..., m, n]. The leading axes are equal, or b has none
 * and is shared. bias [n] and the activation are optional.
 */
export const matMul: Kernel = {
  name: 'MhMatMul',
  run(call) {
    const a = input(call, 'MhMatMul', 'a');
    const b = input(call, 'MhMatMul', 'b');
    const { transposeA = false, transposeB = false, activation } = call.attrs;
    const said = () =>
      `a [${a.shape}]${transposeA ? ' transposed' : ''} by b [${b.shape}]${transposeB ? ' transposed' : ''}`;
    check(a.shape.length >= 2 && b.shape.length >= 2, 'MhMatMul', () => `${said()}: not matrices`);
    const leading = a.shape.slice(0, -2);
    const shared = b.shape.length === 2;
    check(
      shared || sameShape(leading, b.shape.slice(0, -2)),
      'MhMatMul',
      () => `${said()}: the leading axes differ`,
    );
    const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
    const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
    const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
    const [kOfB, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
    check(k === kOfB, 'MhMatMul', () => `${said()}: the inner lengths ${k} and ${kOfB} differ`);
    const bias = call.inputs.bias && input(call, 'MhMatMul', 'bias');
    check(
      bias === undefined || sameShape(bias.shape, [n]),
      'MhMatMul',
      () => `bias is [${bias?.shape}], not [${n}]`,
    );
    const code = activation == null ? 0 : activations[String(activation)];
    check(code !== undefined, 'MhMatMul', () => `no activation "${activation}"`);

    const y = call.output([...leading, m, n]);
    const scratch = call.scratch(call.wasm.gemmScratch!(n, k, !!transposeA));
    // A shared b and rows that lie one after the other make one tall product.
    const tall = shared && !transposeA;
    const batches = tall ? 1 : sizeOf(leading);
    const rows = tall ? sizeOf(leading) * m : m;
    const [aAt, bAt, yAt] = [call.address(a), call.address(b), call.address(y)];
    const biasAt = bias ? call.address(bias) : 0;
    for (let i = 0; i < batches; i++)
      call.wasm.gemm!(
        ...[aAt + 4 * i * m * k, aColumns, !!transposeA],
        ...[bAt + (shared ? 0 : 4 * i * k * n), bColumns, !!transposeB],
        ...[yAt + 4 * i * m * n, n, rows, n, k, false, biasAt, code, scratch],
      );
    return y;
  },
};
