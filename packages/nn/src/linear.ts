import { reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { columnSums, product } from './mat-mul.js';
import { matrixOf, type Operand, type Parameter, tensorOf } from './parameter.js';
import { QuantizedMatrix } from './quantized-matrix.js';
import { quantizedLinear } from './quantized-ops.js';
import { type Initializer, normal, type Weights, zeros } from './weights.js';

/**
 * x·Wᵀ + b over the last dimension: x [..., in], weight [out, in] as PyTorch stores it, or with
 * `transposed` [in, out] as GPT's checkpoints do, bias [out] → [..., out].
 *
 * A weight held in int8 is multiplied as such: see `quantizedLinear`.
 *
 * @throws ModelError `WRONG_SHAPE` where x is not [..., in] or bias not [out]
 */
export function linear(
  x: Tensor,
  weight: Operand,
  bias?: Operand,
  { transposed = false }: { transposed?: boolean } = {},
): Tensor {
  const w = matrixOf(weight);
  const [outFeatures, inFeatures] = (transposed ? [...w.shape].reverse() : w.shape) as [
    number,
    number,
  ];
  if (x.shape.at(-1) !== inFeatures) {
    throw new ModelError(
      'WRONG_SHAPE',
      `linear takes [..., ${inFeatures}] (the weight is [${w.shape}]), not [${x.shape}].`,
    );
  }
  const b = bias && tensorOf(bias);
  if (b !== undefined && b.shape.join() !== `${outFeatures}`) {
    throw new ModelError(
      'WRONG_SHAPE',
      `linear takes a bias [${outFeatures}] (the weight is [${w.shape}]), not [${b.shape}].`,
    );
  }
  if (w instanceof QuantizedMatrix && (w.by === 'columns') !== transposed) {
    throw new ModelError(
      'BAD_INPUT',
      `The weight is quantized by ${w.by}, and read the other way.`,
    );
  }
  const multiply = (x: Tensor, w: Tensor, b: Tensor | undefined) => {
    const { withoutBias, withBias } = transposed ? byColumns : byRows;
    return b === undefined ? withoutBias(x, w) : withBias(x, w, b);
  };
  const rows = x.shape.slice(0, -1);
  return tidy(() => {
    const flat = reshape(x, [size(rows), inFeatures]);
    const y = w instanceof QuantizedMatrix ? quantizedLinear(flat, w, b) : multiply(flat, w, b);
    return reshape(y, [...rows, outFeatures]);
  });
}

/** The two products and their gradients; `transposeW` for a weight [out, in]. */
function products(transposeW: boolean) {
  const dx = (dy: Tensor, w: Tensor) => product(dy, w, false, !transposeW);
  const dw = (dy: Tensor, x: Tensor) =>
    transposeW ? product(dy, x, true, false) : product(x, dy, true, false);
  return {
    withoutBias: differentiable({
      forward: (x, w) => ({ value: product(x!, w!, false, transposeW), saved: [x!, w!] }),
      backward: (dy, [x, w]) => [dx(dy, w!), dw(dy, x!)],
    }),
    withBias: differentiable({
      forward: (x, w, b) => ({ value: product(x!, w!, false, transposeW, b), saved: [x!, w!] }),
      backward: (dy, [x, w]) => [dx(dy, w!), dw(dy, x!), columnSums(dy)],
    }),
  };
}

const byRows = products(true);
const byColumns = products(false);

const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

export interface LinearOptions {
  inFeatures: number;
  outFeatures: number;
  /** Default true. */
  bias?: boolean;
  /** Of the weight; default N(0, 0.02²). The bias starts at zero. */
  initializer?: Initializer;
}

/** A fully connected layer: `weight` [outFeatures, inFeatures] and `bias` [outFeatures]. */
export class Linear {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(weights: Weights, options: LinearOptions) {
    const { inFeatures, outFeatures, bias = true, initializer = normal(0.02) } = options;
    this.weight = weights.parameter('weight', [outFeatures, inFeatures], initializer, {
      quantizedBy: 'rows',
    });
    this.bias = bias ? weights.parameter('bias', [outFeatures], zeros) : undefined;
  }

  /** [..., inFeatures] → [..., outFeatures] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
