import type { TensorInfo } from '@tensorflow/tfjs-core';
import { check, input, type Kernel, type KernelCall, sameShape, sizeOf } from './kernel-host.js';

/** The numbers assembly/activation.ts knows them by. */
export const activations: Record<string, number> = {
  ...{ linear: 0, gelu: 1, gelu_new: 2, relu: 3, tanh: 4, silu: 5, relu6: 6, sigmoid: 7, elu: 8 },
  ...{ gelu_fast: 2, gelu_pytorch_tanh: 2, swish: 5 },
};

/** Nanoseconds that a multiplication and its addition take. */
const PER_MULTIPLICATION = 0.05;

/** What `multiply` is told; tensors besides a and b are optional. */
export interface Product {
  bias?: TensorInfo | undefined;
  transposeA?: unknown;
  transposeB?: unknown;
  /** b was packed by `MhPanels`. */
  panels?: unknown;
  activation?: unknown;
  /** Give the derivative of the activation, too. */
  outputSlope?: unknown;
}

/** Up to this one, the kernel knows the derivative. */
const LAST_WITH_SLOPE = 5;

/**
 * activation(op(a)·op(b) + bias): a [..., m, k] and b [..., k, n] (or, with `transposeA` and
 * `transposeB`, [..., k, m] and [..., n, k]) → [..., m, n], the leading axes broadcast. bias [n] and the
 * activation are optional. With `panels` b is [n, k] as `MhPanels` packed it. With `outputSlope` a second
 * output, [..., m, n] too, is the activation's derivative at what it was given.
 */
export const matMul: Kernel = {
  name: 'MhMatMul',
  run(call) {
    const bias = call.inputs.bias && input(call, 'MhMatMul', 'bias');
    const [y, slope] = multiply(call, 'MhMatMul', { ...call.attrs, bias });
    return slope ? [y, slope] : y;
  },
};

/** b [n, k] (`transposeB`) or [k, n] packed for products: [n, k]. The first is packed where it lies. */
export const panels: Kernel = {
  name: 'MhPanels',
  run(call) {
    const b = input(call, 'MhPanels', 'b');
    check(b.shape.length === 2, 'MhPanels', () => `b [${b.shape}] is not a matrix`);
    const transposed = !!call.attrs.transposeB;
    const [n, k] = (transposed ? b.shape : [...b.shape].reverse()) as [number, number];
    const packed = transposed ? call.takeOver(b) : call.output([n, k]);
    const scratch = call.scratch(16 * k);
    call.wasm.toPanels!(call.address(b), transposed, call.address(packed), n, k, scratch);
    return packed;
  },
};

/** The product that the attributes and inputs of a call ask for, and the slope if they do. */
export function multiply(
  call: KernelCall,
  kernel: string,
  product: Product,
): [y: TensorInfo, slope: TensorInfo | undefined] {
  const a = input(call, kernel, 'a');
  const b = input(call, kernel, 'b');
  const { bias, panels, activation, outputSlope } = product;
  const transposeA = !!product.transposeA;
  const transposeB = !!product.transposeB || !!panels;
  const said = () =>
    `a [${a.shape}]${transposeA ? ' transposed' : ''} by b [${b.shape}]${transposeB ? ' transposed' : ''}`;
  check(a.shape.length >= 2 && b.shape.length >= 2, kernel, () => `${said()}: not matrices`);
  const [ofA, ofB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const leading = broadcast(ofA, ofB);
  check(leading !== undefined, kernel, () => `${said()}: the leading axes differ`);
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [kOfB, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  check(k === kOfB, kernel, () => `${said()}: the inner lengths ${k} and ${kOfB} differ`);
  check(
    bias === undefined || sameShape(bias.shape, [n]),
    kernel,
    () => `bias is [${bias?.shape}], not [${n}]`,
  );
  check(
    !panels || (b.shape.length === 2 && !transposeA),
    kernel,
    () => `${said()}: panels are one matrix, and a is not transposed`,
  );
  const code = activation == null ? 0 : activations[String(activation)];
  check(code !== undefined, kernel, () => `no activation "${activation}"`);
  check(
    !outputSlope || (code > 0 && code <= LAST_WITH_SLOPE && !panels),
    kernel,
    () => `no slope of the activation "${activation}"${panels ? ' with panels' : ''}`,
  );

  const y = call.output([...leading, m, n]);
  const slope = outputSlope ? call.output(y.shape) : undefined;
  // One b, and rows of a that lie one after the other, make one tall product.
  const tall = sizeOf(ofB) === 1 && !transposeA && sizeOf(ofA) === sizeOf(leading);
  const rows = tall ? sizeOf(leading) * m : m;
  const [aAt, bAt, yAt] = [call.address(a), call.address(b), call.address(y)];
  const biasAt = bias ? call.address(bias) : 0;
  const slopeAt = slope ? call.address(slope) : 0;
  if (sizeOf(leading) * m === rows) {
    // Along the longer side; each column of c is the same whoever computes it, and so is each row.
    const byColumns = panels || n >= rows;
    const parts = byColumns
      ? call.parts(n, rows * k * PER_MULTIPLICATION, 16)
      : call.parts(rows, n * k * PER_MULTIPLICATION, 48);
    const room = call.wasm.gemmScratch!(rows, panels ? 16 : n, k, transposeA);
    const scratch = call.scratch(room * parts.length);
    const calls = parts.map(([from, to], part) => {
      const [i, j] = byColumns ? [0, from] : [from, 0];
      const [height, width] = byColumns ? [rows, to - from] : [to - from, n];
      const ofA = aAt + 4 * (transposeA ? i : i * aColumns);
      const ofB = bAt + 4 * (transposeB ? j * bColumns : j);
      const ofY = yAt + 4 * (i * n + j);
      const ofSlope = slopeAt && slopeAt + 4 * (i * n + j);
      const end = [biasAt && biasAt + 4 * j, code];
      const ownScratch = scratch + 4 * room * part;
      return panels
        ? [ofA, k, ofB, ofY, n, height, width, k, ...end, ownScratch]
        : [
            ...[ofA, aColumns, transposeA, ofB, bColumns, transposeB],
            ...[ofY, n, height, width, k, false, ...end, ofSlope, ownScratch],
          ];
    });
    call.run(panels ? 'gemmPanels' : 'gemm', calls);
    return [y, slope];
  }
  const scratch = call.scratch(call.wasm.gemmScratch!(m, n, k, transposeA));
  const bPlaces = places(ofB, leading);
  places(ofA, leading).forEach((aPlace, i) => {
    call.wasm.gemm!(
      ...[aAt + 4 * aPlace * m * k, aColumns, transposeA],
      ...[bAt + 4 * bPlaces[i]! * k * n, bColumns, transposeB],
      ...[yAt + 4 * i * m * n, n, m, n, k, false, biasAt, code],
      ...[slopeAt && slopeAt + 4 * i * m * n, scratch],
    );
  });
  return [y, slope];
}

/** The axes that both are broadcast to; undefined where they cannot be. */
function broadcast(a: number[], b: number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const [x, y] = [a, b].map((axes) => [...new Array<number>(rank - axes.length).fill(1), ...axes]);
  const axes = x!.map((length, axis) => (length === 1 ? y![axis]! : length));
  return y!.every((length, axis) => length === 1 || length === axes[axis]) ? axes : undefined;
}

/** For each matrix of a batch `full`, which one of the batch `own` is broadcast to it. */
function places(own: number[], full: number[]): number[] {
  const missing = full.length - own.length;
  return full.reduce<number[]>(
    (before, length, axis) => {
      const ofOwn = axis < missing ? 1 : own[axis - missing]!;
      return before.flatMap((place) =>
        Array.from({ length }, (_, i) => place * ofOwn + (ofOwn === 1 ? 0 : i)),
      );
    },
    [0],
  );
}
