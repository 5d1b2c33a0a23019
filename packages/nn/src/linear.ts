import { reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { type ActivationName, activationName } from './activations.js';
import { differentiable, isRecording } from './differentiable.js';
import { ModelError } from './errors.js';
import { runKernel } from './kernel.js';
import {
  columnSums,
  type Epilogue,
  product,
  productAndSlope,
  timesAndColumnSums,
} from './mat-mul.js';
import { type Operand, type Parameter, packedOf, quantizedOf, tensorOf } from './parameter.js';
import { quantizedLinear } from './quantized-ops.js';
import { type Initializer, normal, type Weights, zeros } from './weights.js';

export interface LinearOpOptions {
  /** The weight is [in, out]. */
  transposed?: boolean | undefined;
  /** Follows the bias. */
  activation?: ActivationName | undefined;
}

/**
 * activation(x·Wᵀ + b) over the last dimension: x [..., in], weight [out, in] as PyTorch stores it, or
 * with `transposed` [in, out] as GPT's checkpoints do, bias [out] → [..., out]. Outside of a gradient a
 * parameter's weight is multiplied by in packed form (see `Parameter`).
 *
 * A weight held in int8 is multiplied as such: see `quantizedLinear`.
 *
 * @throws ModelError `WRONG_SHAPE` where x is not [..., in] or bias not [out]
 */
export function linear(
  x: Tensor,
  weight: Operand,
  bias?: Operand,
  { transposed = false, activation: name }: LinearOpOptions = {},
): Tensor {
  const [outFeatures, inFeatures] = (transposed ? [...weight.shape].reverse() : weight.shape) as [
    number,
    number,
  ];
  if (x.shape.at(-1) !== inFeatures) {
    throw new ModelError(
      'WRONG_SHAPE',
      `linear takes [..., ${inFeatures}] (the weight is [${weight.shape}]), not [${x.shape}].`,
    );
  }
  const b = bias && tensorOf(bias);
  if (b !== undefined && b.shape.join() !== `${outFeatures}`) {
    throw new ModelError(
      'WRONG_SHAPE',
      `linear takes a bias [${outFeatures}] (the weight is [${weight.shape}]), not [${b.shape}].`,
    );
  }
  const quantized = quantizedOf(weight);
  if (quantized !== undefined && (quantized.by === 'columns') !== transposed) {
    throw new ModelError(
      'BAD_INPUT',
      `The weight is quantized by ${quantized.by}, and read the other way.`,
    );
  }
  const end = { bias: b, activation: name };
  if (!isRecording()) {
    if (quantized) return quantizedLinear(x, quantized, end);
    const y = x.rank > 1 && byPanels(x, weight, transposed, end);
    if (y) return y;
  }
  const rows = x.shape.slice(0, -1);
  return tidy(() => {
    const flat = reshape(x, [size(rows), inFeatures]);
    const multiply = isRecording() ? recorded : alone;
    const y = quantized
      ? quantizedLinear(flat, quantized, end)
      : multiply(flat, weight, transposed, end);
    return reshape(y, [...rows, outFeatures]);
  });
}

/** For a gradient, which needs the slope of the activation. */
function recorded(x: Tensor, weight: Operand, transposed: boolean, end: Epilogue): Tensor {
  const multiply = differentiable({
    forward: (x, w, bias) => {
      const [value, slope] = productAndSlope(x!, w!, !transposed, { ...end, bias });
      return { value, saved: [x!, w!, ...(slope ? [slope] : [])] };
    },
    backward: (dy, [x, w, slope]) => {
      const [dz, sums] = slope ? timesAndColumnSums(dy, slope) : [dy];
      const dx = product(dz, w!, false, transposed);
      const dw = transposed ? product(x!, dz, true, false) : product(dz, x!, true, false);
      return [dx, dw, ...(end.bias ? [sums ?? columnSums(dz)] : [])];
    },
  });
  return multiply(x, tensorOf(weight), ...(end.bias ? [end.bias] : []));
}

function alone(x: Tensor, weight: Operand, transposed: boolean, end: Epilogue): Tensor {
  const y = byPanels(x, weight, transposed, end);
  return y ?? product(x, tensorOf(weight), false, !transposed, end);
}

/** x [..., in] by a weight that can be packed; undefined where none can be. */
function byPanels(x: Tensor, weight: Operand, transposed: boolean, end: Epilogue) {
  const packed = packedOf(weight, transposed ? 'columns' : 'rows');
  if (packed === undefined) return undefined;
  const attrs = { panels: true, ...(end.activation && { activation: end.activation }) };
  return runKernel('MhMatMul', { a: x, b: packed.panels, bias: end.bias }, attrs)[0]!;
}

const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

export interface LinearOptions {
  inFeatures: number;
  outFeatures: number;
  /** Default true. */
  bias?: boolean;
  /** Of the weight; default N(0, 0.02²). The bias starts at zero. */
  initializer?: Initializer;
  /** Follows the bias: a name that `activation` knows. */
  activation?: string;
}

/** A fully connected layer: `weight` [outFeatures, inFeatures] and `bias` [outFeatures]. */
export class Linear {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #activation: ActivationName | undefined;

  /** @throws ModelError `BAD_CONFIG` for an activation that is not known */
  constructor(weights: Weights, options: LinearOptions) {
    const { inFeatures, outFeatures, bias = true, initializer = normal(0.02) } = options;
    this.weight = weights.parameter('weight', [outFeatures, inFeatures], initializer, {
      quantizedBy: 'rows',
    });
    this.bias = bias ? weights.parameter('bias', [outFeatures], zeros) : undefined;
    this.#activation =
      options.activation === undefined ? undefined : activationName(options.activation);
  }

  /** [..., inFeatures] → [..., outFeatures] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias, { activation: this.#activation });
  }
}
