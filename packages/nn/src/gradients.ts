import * as tf from '@tensorflow/tfjs-core';
import { ModelError } from './errors.js';
import type { Model } from './model.js';
import { registerGradients } from './register-gradients.js';

export interface ValueAndGradients {
  /** The scalar that `f` returned. */
  value: tf.Scalar;
  /** By checkpoint key, each of its parameter's shape; a parameter `f` did not use has none. */
  gradients: Map<string, tf.Tensor>;
}

/**
 * Runs `f` and differentiates its scalar result with respect to every trainable parameter of
 * `model`. The caller owns what is returned; when `f` throws, nothing stays behind.
 *
 * ```ts
 * const { value, gradients } = valueAndGradients(model, () => model.forward(batch).loss);
 * ```
 *
 * @throws ModelError `BAD_INPUT` where `f` returns anything but a scalar
 */
export function valueAndGradients(
  model: Pick<Model, 'parameters'>,
  f: () => tf.Tensor,
): ValueAndGradients {
  registerGradients();
  const parameters = [...model.parameters.values()].filter((p) => p.trainable);
  const { value, grads } = recorded(
    () => scalar(f()),
    parameters.map((p) => p.value),
  );
  const gradients = new Map<string, tf.Tensor>();
  parameters.forEach(({ path }, i) => {
    const gradient = grads[i];
    if (gradient != null) gradients.set(path, gradient);
  });
  return { value: value as tf.Scalar, gradients };
}

function scalar(value: tf.Tensor): tf.Tensor {
  if (value?.rank === 0) return value;
  throw new ModelError(
    'BAD_INPUT',
    `valueAndGradients differentiates one number; the function returned ${value === undefined ? value : `[${value.shape}]`}.`,
  );
}

/** tfjs keeps what it saved for the backward pass when a pass throws; this frees it. */
function recorded(f: () => tf.Tensor, xs: tf.Tensor[]) {
  if (xs.length === 0) return { value: tf.tidy(f), grads: [] };
  const engine = tf.engine();
  try {
    return tf.tidy(() => engine.gradients(f, xs, undefined, true));
  } catch (error) {
    const state = engine.state as unknown as {
      gradientDepth: number;
      activeTape?: { saved: tf.Tensor[] }[] | null;
    };
    if (state.gradientDepth > 0) throw error; // the outermost gradient clears the tape of all
    for (const node of state.activeTape ?? []) for (const tensor of node.saved) tensor.dispose();
    state.activeTape = null;
    throw error;
  }
}
