import type { TensorInfo } from '@tensorflow/tfjs-core';
import { input, type Kernel, type KernelCall, sizeOf } from './kernel-host.js';
import { multiply } from './mat-mul.js';

/** tfjs's `matMul`, and the gradients of it: its own is a scalar loop for all but one plain product. */
export const batchMatMul: Kernel = {
  name: 'BatchMatMul',
  run: (call) => multiply(call, 'BatchMatMul', call.attrs)[0],
};

/**
 * tfjs's `fused.matMul`: its own adds the bias and clamps once a block of k where an operand is
 * transposed or batched. What our product cannot end with follows it, as tfjs's own kernel.
 */
export const fusedMatMul: Kernel = {
  name: '_FusedMatMul',
  run(call) {
    const { transposeA, transposeB, leakyreluAlpha } = call.attrs;
    const activation = String(call.attrs.activation ?? 'linear');
    const bias = call.inputs.bias && input(call, '_FusedMatMul', 'bias');
    const b = input(call, '_FusedMatMul', 'b');
    const n = b.shape.at(transposeB ? -2 : -1)!;
    const vector = bias && sizeOf(bias.shape) === n && bias.shape.at(-1) === n;
    const apart = activation === 'prelu' || activation === 'leakyrelu' || (bias && !vector);
    let [y] = multiply(call, '_FusedMatMul', {
      ...{ transposeA, transposeB },
      ...(vector && { bias: { ...bias, shape: [n] } }),
      activation: apart ? undefined : activation,
    });
    if (!apart) return y;
    if (bias && !vector) y = call.stock('Add', { a: y, b: bias });
    return activate(call, y, activation, leakyreluAlpha);
  },
};

function activate(call: KernelCall, x: TensorInfo, activation: string, alpha: unknown): TensorInfo {
  switch (activation) {
    case 'linear':
      return x;
    case 'relu':
      return call.stock('Relu', { x });
    case 'relu6':
      return call.stock('Relu6', { x });
    case 'elu':
      return call.stock('Elu', { x });
    case 'sigmoid':
      return call.stock('Sigmoid', { x });
    case 'leakyrelu':
      return call.stock('LeakyRelu', { x }, { alpha: Number(alpha) });
    default:
      return call.stock('Prelu', {
        x,
        alpha: input(call, '_FusedMatMul', 'preluActivationWeights'),
      });
  }
}
