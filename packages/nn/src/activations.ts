import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { type KernelInputs, kernelOr } from './kernel.js';

/** The derivative of each activation. */
const slopes = new Map<Activation, Activation>();

/** The activations of `config.json`'s `hidden_act`, by Hugging Face's names. */
export type ActivationName =
  | 'gelu'
  | 'gelu_fast'
  | 'gelu_new'
  | 'gelu_pytorch_tanh'
  | 'relu'
  | 'silu'
  | 'swish'
  | 'tanh';

/** An element-wise function of a float32 tensor of any shape. */
export type Activation = (x: tf.Tensor) => tf.Tensor;

/** Gaussian error linear unit, x·Φ(x) (Hendrycks & Gimpel 2016, §2). */
export const gelu: Activation = withGradient({
  kernel: 'MhGelu',
  attrs: { approximate: false },
  f: (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
  derivative: (x) =>
    tf.add(
      tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
      tf.mul(tf.mul(x, 1 / Math.sqrt(2 * Math.PI)), tf.exp(tf.mul(-0.5, tf.square(x)))),
    ),
});

/** GELU by its tanh approximation, GPT-2's (Hendrycks & Gimpel 2016, §2). */
export const geluNew: Activation = withGradient({
  kernel: 'MhGelu',
  attrs: { approximate: true },
  f: (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(geluNewInner(x)))),
  derivative: (x) => {
    const t = tf.tanh(geluNewInner(x));
    const dInner = tf.mul(GELU_NEW_SCALE, tf.add(1, tf.mul(3 * GELU_NEW_CUBE, tf.square(x))));
    const sech2 = tf.sub(1, tf.square(t));
    return tf.mul(0.5, tf.add(tf.add(1, t), tf.mul(tf.mul(x, sech2), dInner)));
  },
});

/** max(x, 0). */
export const relu: Activation = withGradient({
  f: tf.relu,
  derivative: (x) => tf.cast(tf.greater(x, 0), 'float32'),
});

/** Hyperbolic tangent. */
export const tanh: Activation = withGradient({
  f: tf.tanh,
  derivative: (x) => tf.sub(1, tf.square(tf.tanh(x))),
});

/** Sigmoid linear unit ("swish"), x·σ(x). */
export const silu: Activation = withGradient({
  f: (x) => tf.mul(x, tf.sigmoid(x)),
  derivative: (x) => {
    const s = tf.sigmoid(x);
    return tf.mul(s, tf.add(1, tf.mul(x, tf.sub(1, s))));
  },
});

/** Hugging Face has several names for the tanh approximation, and two for silu. */
const byName: Record<ActivationName, Activation> = {
  gelu,
  gelu_fast: geluNew,
  gelu_new: geluNew,
  gelu_pytorch_tanh: geluNew,
  relu,
  silu,
  swish: silu,
  tanh,
};

/**
 * The activation of this name.
 *
 * @throws ModelError `BAD_CONFIG` for a name that is none of `ActivationName`
 */
export function activation(name: string): Activation {
  return byName[activationName(name)];
}

/** The derivative of the activation of this name. @throws ModelError `BAD_CONFIG` */
export function activationSlope(name: string): Activation {
  return slopes.get(activation(name))!;
}

/** The name, if it is one. @throws ModelError `BAD_CONFIG` */
export function activationName(name: string): ActivationName {
  if (Object.hasOwn(byName, name)) return name as ActivationName;
  throw new ModelError(
    'BAD_CONFIG',
    `The activation "${name}" is not known; known are ${Object.keys(byName).join(', ')}.`,
  );
}

const GELU_NEW_SCALE = Math.sqrt(2 / Math.PI);
const GELU_NEW_CUBE = 0.044715;

function geluNewInner(x: tf.Tensor): tf.Tensor {
  return tf.mul(GELU_NEW_SCALE, tf.add(x, tf.mul(GELU_NEW_CUBE, tf.mul(x, tf.square(x)))));
}

interface Elementwise {
  /** As a composition of tfjs ops. */
  f: Activation;
  derivative: Activation;
  /** The kernel that serves it where there is one; its gradient's is named `…Grad`. */
  kernel?: string;
  attrs?: Record<string, boolean>;
}

function withGradient({ f, derivative, kernel, attrs = {} }: Elementwise): Activation {
  const run = (name: string | undefined, inputs: KernelInputs, composition: () => tf.Tensor) =>
    name === undefined ? [composition()] : kernelOr(name, inputs, attrs, () => [composition()]);
  const op = differentiable({
    forward: (x) => {
      const [value] = run(kernel, { x }, () => f(x!));
      return { value: value!, saved: [x!] };
    },
    backward: (dy, [x]) =>
      run(kernel && `${kernel}Grad`, { dy, x }, () => tf.mul(dy, derivative(x!))),
  });
  slopes.set(op, derivative);
  return op;
}
