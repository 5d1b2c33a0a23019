import type { TensorInfo } from '@tensorflow/tfjs-core';
import { check, input, type Kernel, type KernelCall, sameShape, sizeOf } from './kernel-host.js';
import { activations } from './mat-mul.js';

/** So many rows are shared out as such: whoever multiplies a row has rounded it. */
const MANY = 48;

/** Nanoseconds that a multiplication in whole numbers takes, and rounding a number. */
const PER_MULTIPLICATION = 0.03;
const PER_ROUNDING = 0.5;

/** The ways to multiply, as assembly/gemm-int8.ts numbers them. The engine's own is the default. */
const ways = ['wide', 'unsigned', 'signed'];

/**
 * activation(x·Wᵀ + bias) with W [n, k] in int8 (see `int8Matrix`) and the rows of x [..., k] rounded
 * to int8 as they come → [..., n]. A row with a NaN or an Infinity gives NaN.
 */
export const linearInt8: Kernel = {
  name: 'MhLinearInt8',
  run(call) {
    const x = input(call, 'MhLinearInt8', 'x');
    const { values, scales, sums, n, quads } = int8Matrix(call, 'MhLinearInt8');
    const k = x.shape.at(-1) ?? 0;
    check(
      x.shape.length > 0 && Math.ceil(k / 4) === quads,
      'MhLinearInt8',
      () => `x [${x.shape}] by values [${values.shape}]: the inner lengths differ`,
    );
    // Sums of k products of 128 by 255 are to fit in 32 bits.
    check(k <= 2 ** 16, 'MhLinearInt8', () => `rows of ${k} are too long (at most ${2 ** 16})`);
    const bias = call.inputs.bias && input(call, 'MhLinearInt8', 'bias');
    check(
      bias === undefined || sameShape(bias.shape, [n]),
      'MhLinearInt8',
      () => `bias is [${bias?.shape}], not [${n}]`,
    );
    const { activation, dot: way } = call.attrs;
    const code = activation == null ? 0 : activations[String(activation)];
    check(code !== undefined, 'MhLinearInt8', () => `no activation "${activation}"`);

    const best = call.wasm.int8Dot!(0);
    const dot = way === undefined ? best : ways.indexOf(String(way));
    check(
      dot === 0 || (dot > 0 && best !== 0),
      'MhLinearInt8',
      () => `this engine has no way "${way}" to multiply, but "${ways[best]}"`,
    );

    const leading = x.shape.slice(0, -1);
    const m = sizeOf(leading);
    const y = call.output([...leading, n]);
    const rowBytes = m * call.wasm.int8RowBytes!(k, dot);
    const byRows = m >= MANY;
    const parts = byRows
      ? call.parts(m, n * k * PER_MULTIPLICATION, 6)
      : call.parts(n, m * k * PER_MULTIPLICATION, 16);
    const tileBytes = call.wasm.int8Scratch!() * parts.length;
    // Rounded rows come first, 16 bytes aligned: tfjs aligns to 8.
    const memory = call.scratch(Math.ceil((16 + rowBytes + tileBytes + 12 * m) / 4));
    const rounded = Math.ceil(memory / 16) * 16;
    const tile = rounded + rowBytes;
    const rowScales = tile + tileBytes;
    const [zeros, shifts] = [rowScales + 4 * m, rowScales + 8 * m];
    const [xAt, yAt, panels] = [x, y, values].map(call.address) as [number, number, number];
    const perRow = (row: number) => [
      rounded + (m && (rowBytes / m) * row),
      ...[rowScales, zeros, shifts].map((address) => address + 4 * row),
    ];
    const ofColumns = [scales, sums, bias].map((tensor) => tensor && call.address(tensor));
    const perColumn = (column: number) => [
      panels + 4 * quads * column,
      ...ofColumns.map((address) => (address === undefined ? 0 : address + 4 * column)),
    ];
    const room = (part: number) => tile + (tileBytes / parts.length) * part;
    if (byRows) {
      const calls = parts.map(([from, to], part) => [
        ...[xAt + 4 * from * k, ...perRow(from), dot, ...perColumn(0), code],
        ...[yAt + 4 * from * n, n, to - from, n, k, room(part)],
      ]);
      call.run('int8Linear', calls);
      return y;
    }
    const rows = call
      .parts(m, k * PER_ROUNDING)
      .map(([from, to]) => [xAt + 4 * from * k, to - from, k, dot, ...perRow(from)]);
    call.run('int8Rows', rows);
    const products = parts.map(([from, to], part) => [
      ...[...perRow(0), dot, ...perColumn(from), code],
      ...[yAt + 4 * from, n, m, to - from, k, room(part)],
    ]);
    call.run('int8Gemm', products);
    return y;
  },
};

export interface Int8Matrix {
  values: TensorInfo;
  scales: TensorInfo;
  sums: TensorInfo;
  n: number;
  /** ⌈k / 4⌉ */
  quads: number;
}

/**
 * A matrix [n, k] in int8, as `@multihead/nn` packs it: `values` [⌈n / 16⌉, ⌈k / 4⌉, 16, 4] of tfjs's
 * one-byte type, bool, `scales` [n], and `sums` int32 [n]. Element (i, j) is scales[i]·w, w = byte − 128
 * from −127 to 127, and sums[i] is Σ w.
 */
export function int8Matrix(call: KernelCall, kernel: string): Int8Matrix {
  const values = input(call, kernel, 'values', 'bool');
  const scales = input(call, kernel, 'scales');
  const sums = input(call, kernel, 'sums', 'int32');
  const [panels, quads, rows, columns] = values.shape;
  check(
    values.shape.length === 4 && rows === 16 && columns === 4,
    kernel,
    () => `values [${values.shape}] are not panels [n / 16, k / 4, 16, 4]`,
  );
  const n = sizeOf(scales.shape);
  check(
    scales.shape.length === 1 && Math.ceil(n / 16) === panels && sameShape(sums.shape, [n]),
    kernel,
    () => `scales [${scales.shape}] and sums [${sums.shape}] do not fit values [${values.shape}]`,
  );
  return { values, scales, sums, n, quads: quads! };
}
