import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { ModelError } from './errors.js';
import { kernelOr } from './kernel.js';

/** The activations of `config.json`'s `hidden_act`, by Hugging Face's names. */
export type ActivationName = 'gelu' | 'gelu_new' | 'relu' | 'tanh' | 'silu';

/** An element-wise function of a float32 tensor of any shape. */
export type Activation = (x: tf.Tensor) => tf.Tensor;

/** Gaussian error linear unit, x·Φ(x) (Hendrycks & Gimpel 2016, §2). */
export const gelu: Activation = withGradient('MhGelu', { approximate: false }, exactGelu, (x) =>
  tf.add(
    tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
    tf.mul(tf.mul(x, 1 / Math.sqrt(2 * Math.PI)), tf.exp(tf.mul(-0.5, tf.square(x)))),
  ),
);

/** GELU by its tanh approximation, GPT-2's (Hendrycks & Gimpel 2016, §2). */
export const geluNew: Activation = withGradient('MhGelu', { approximate: true }, tanhGelu, (x) => {
  const t = tf.tanh(geluNewInner(x));
  const dInner = tf.mul(GELU_NEW_SCALE, tf.add(1, tf.mul(3 * GELU_NEW_CUBE, tf.square(x))));
  const sech2 = tf.sub(1, tf.square(t));
  return tf.mul(0.5, tf.add(tf.add(1, t), tf.mul(tf.mul(x, sech2), dInner)));
});

/** max(x, 0). */
export const relu: Activation = withGradient('', {}, tf.relu, (x) =>
  tf.cast(tf.greater(x, 0), 'float32'),
);

/** Hyperbolic tangent. */
export const tanh: Activation = withGradient('', {}, tf.tanh, (x) =>
  tf.sub(1, tf.square(tf.tanh(x))),
);

/** Sigmoid linear unit ("swish"), x·σ(x). */
export const silu: Activation = withGradient(
  '',
  {},
  (x) => tf.mul(x, tf.sigmoid(x)),
  (x) => {
    const s = tf.sigmoid(x);
    return tf.mul(s, tf.add(1, tf.mul(x, tf.sub(1, s))));
  },
);

const byName: Record<ActivationName, Activation> = { gelu, gelu_new: geluNew, relu, tanh, silu };

/**
 * The activation of this name.
 *
 * @throws ModelError `BAD_CONFIG` for a name that is none of `ActivationName`
 */
export function activation(name: string): Activation {
  const found = Object.hasOwn(byName, name) ? byName[name as ActivationName] : undefined;
  if (found !== undefined) return found;
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

function exactGelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
}

function tanhGelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(geluNewInner(x))));
}

/** An element-wise op from a function and its derivative, both as compositions of tfjs ops. */
function withGradient(
  kernel: string,
  attrs: Record<string, boolean>,
  f: Activation,
  derivative: Activation,
): Activation {
  return differentiable({
    forward: (x) => {
      const [value] = kernelOr(kernel, { x }, attrs, () => [f(x!)]);
      return { value: value!, saved: [x!] };
    },
    backward: (dy, [x]) =>
      kernelOr(`${kernel}Grad`, { dy, x }, attrs, () => [tf.mul(dy, derivative(x!))]),
  });
}
