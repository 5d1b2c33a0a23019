import * as tf from '@tensorflow/tfjs-core';
import { productGradients } from './mat-mul.js';
import { softmaxGradient } from './softmax.js';

type Attrs = Record<string, unknown>;
type Gradient = (
  dy: tf.Tensor,
  saved: tf.Tensor[],
  attrs: Attrs,
) => Record<string, () => tf.Tensor>;

/**
 * Registers the gradients of the plain tfjs ops that models are put together with: tfjs-core alone has
 * none, only the union package `@tensorflow/tfjs` brings them, and where it did they stay.
 * Models' heavy ops (linear, attention, …) bring their own gradients and need none of these.
 */
export function registerGradients(): void {
  for (const [kernelName, { inputs = [], outputs = [], gradFunc }] of Object.entries(gradients)) {
    if (tf.getGradient(kernelName) !== undefined) continue;
    tf.registerGradient({
      kernelName,
      ...(inputs === 'all' ? { saveAllInputs: true } : { inputsToSave: inputs }),
      outputsToSave: outputs.map(() => true),
      gradFunc: (dy, saved, attrs) => gradFunc(dy as tf.Tensor, saved, attrs as unknown as Attrs),
    });
  }
}

interface Rule {
  /** Inputs and outputs the gradient needs, in the order `saved` has them. */
  inputs?: string[] | 'all';
  outputs?: string[];
  gradFunc: Gradient;
}

/** Sums a gradient over the dimensions along which its input was broadcast. */
function unbroadcast(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const extra = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((size, axis) =>
    axis < extra || (shape[axis - extra] === 1 && size !== 1) ? [axis] : [],
  );
  const summed = axes.length > 0 ? tf.sum(gradient, axes, true) : gradient;
  return tf.reshape(summed, shape);
}

const binary = (
  da: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  db: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): Rule => ({
  inputs: ['a', 'b'],
  gradFunc: (dy, [a, b]) => ({
    a: () => unbroadcast(da(dy, a!, b!), a!.shape),
    b: () => unbroadcast(db(dy, a!, b!), b!.shape),
  }),
});

/** Of the input x. */
const ofInput = (dx: (dy: tf.Tensor, x: tf.Tensor, attrs: Attrs) => tf.Tensor): Rule => ({
  inputs: ['x'],
  gradFunc: (dy, [x], attrs) => ({ x: () => dx(dy, x!, attrs) }),
});

/** Of the output y. */
const ofOutput = (dx: (dy: tf.Tensor, y: tf.Tensor, attrs: Attrs) => tf.Tensor): Rule => ({
  outputs: ['y'],
  gradFunc: (dy, [y], attrs) => ({ x: () => dx(dy, y!, attrs) }),
});

const sameShape = (dy: tf.Tensor, x: tf.Tensor): tf.Tensor => tf.reshape(dy, x.shape);

/** `dy` of a reduction over `axis`, spread over the input's shape again. */
function spread(dy: tf.Tensor, x: tf.Tensor, axis: unknown): tf.Tensor {
  const reduced = new Set(tf.util.parseAxisParam(axis as number[], x.shape));
  const kept = x.shape.map((size, i) => (reduced.has(i) ? 1 : size));
  return tf.mul(tf.reshape(dy, kept), tf.onesLike(x));
}

/** A matrix repeated for each product of dy's batch. */
const overBatch = (x: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
  tf.broadcastTo(x, [...dy.shape.slice(0, -2), ...x.shape.slice(-2)]);

const gradients: Record<string, Rule> = {
  Add: binary(
    (dy) => dy,
    (dy) => dy,
  ),
  Sub: binary(
    (dy) => dy,
    (dy) => tf.neg(dy),
  ),
  Multiply: binary(
    (dy, _, b) => tf.mul(dy, b),
    (dy, a) => tf.mul(dy, a),
  ),
  RealDiv: binary(
    (dy, _, b) => tf.div(dy, b),
    (dy, a, b) => tf.neg(tf.div(tf.mul(dy, a), tf.square(b))),
  ),
  Neg: ofInput((dy) => tf.neg(dy)),
  Square: ofInput((dy, x) => tf.mul(dy, tf.mul(2, x))),
  Sqrt: ofOutput((dy, y) => tf.div(dy, tf.mul(2, y))),
  Rsqrt: ofOutput((dy, y) => tf.mul(dy, tf.mul(-0.5, tf.mul(y, tf.square(y))))),
  Exp: ofOutput((dy, y) => tf.mul(dy, y)),
  Log: ofInput((dy, x) => tf.div(dy, x)),
  Tanh: ofOutput((dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  Sigmoid: ofOutput((dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  Relu: ofInput((dy, x) => tf.mul(dy, tf.cast(tf.greater(x, 0), 'float32'))),
  Reshape: ofInput(sameShape),
  ExpandDims: {
    inputs: ['input'],
    gradFunc: (dy, [input]) => ({ input: () => sameShape(dy, input!) }),
  },
  Identity: ofInput((dy) => tf.clone(dy)),
  Cast: ofInput((dy) => tf.clone(dy)),
  Transpose: ofInput((dy, _, { perm }) => {
    const inverse = (perm as number[]).map((_, axis) => (perm as number[]).indexOf(axis));
    return tf.transpose(dy, inverse);
  }),
  Sum: ofInput((dy, x, { axis }) => spread(dy, x, axis)),
  Mean: ofInput((dy, x, { axis }) => tf.div(spread(dy, x, axis), x.size / Math.max(dy.size, 1))),
  Slice: ofInput((dy, x, { begin }) => {
    const before = x.shape.map((_, i) => ([begin].flat()[i] as number) ?? 0);
    return tf.pad(
      dy,
      x.shape.map((size, i) => [before[i]!, size - before[i]! - dy.shape[i]!] as [number, number]),
    );
  }),
  Concat: {
    inputs: 'all',
    gradFunc: (dy, parts, { axis }) => {
      const along = tf.util.parseAxisParam(axis as number, dy.shape)[0]!;
      const sizes = parts.map(({ shape }) => shape[along]!);
      const gradients = tf.split(dy, sizes, along);
      return Object.fromEntries(gradients.map((gradient, i) => [`${i}`, () => gradient]));
    },
  },
  Softmax: {
    outputs: ['y'],
    gradFunc: (dy, [y]) => ({ logits: () => softmaxGradient(dy, y!) }),
  },
  BatchMatMul: {
    inputs: ['a', 'b'],
    gradFunc: (dy, [a, b], { transposeA, transposeB }) => {
      const gradients = productGradients(
        dy,
        overBatch(a!, dy),
        overBatch(b!, dy),
        transposeA as boolean,
        transposeB as boolean,
      );
      return {
        a: () => unbroadcast(gradients.a(), a!.shape),
        b: () => unbroadcast(gradients.b(), b!.shape),
      };
    },
  },
  SplitV: {
    gradFunc: (dy, _, { axis }) => ({
      x: () => tf.concat(dy as unknown as tf.Tensor[], axis as number), // one gradient a part
    }),
  },
};
