import { beforeAll, describe, expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { valueAndGradients } from '../src/gradients.js';
import { Parameter } from '../src/parameter.js';

export type Backend = 'cpu' | 'wasm';

/** The same tests on each of tfjs's backends that Node has, as tfjs ships them. */
export function onEachBackend(tests: (backend: Backend) => void): void {
  for (const backend of ['cpu', 'wasm'] as const) {
    describe(backend, () => {
      beforeAll(async () => {
        await tf.setBackend(backend);
        if (backend === 'cpu') useQuietly();
      });
      tests(backend);
    });
  }
}

/** At its first use in Node the cpu backend advertises the native one, which is no news here. */
function useQuietly(): void {
  const isNode = tf.env().get('IS_NODE');
  tf.env().set('IS_NODE', false);
  tf.scalar(0).dispose();
  tf.env().set('IS_NODE', isNode);
}

export const numTensors = (): number => tf.memory().numTensors;

/** Runs `f` and expects it to leave as many tensors as there were. */
export function expectNoLeak<T>(f: () => T): T {
  const before = numTensors();
  const result = f();
  expect(numTensors()).toBe(before);
  return result;
}

export interface Values {
  shape: number[];
  values: ArrayLike<number>;
}

/** The tensor's values, freeing it. */
export function take(tensor: tf.Tensor): Values {
  const taken = { shape: tensor.shape, values: tensor.dataSync().slice() };
  tensor.dispose();
  return taken;
}

/** Deterministic numbers of about unit size, none of them zero. */
export function numbers(shape: number[], seed = 1): Values {
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    shape,
    values: Float32Array.from({ length: size }, (_, i) => {
      const wave = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
      return 3.2 * (wave - Math.floor(wave)) - 1.61;
    }),
  };
}

export const toTensor = ({ shape, values }: Values): tf.Tensor =>
  tf.tensor(Float32Array.from(values), shape, 'float32');

/** A model of nothing but these parameters. */
export function parametersOf(inputs: Record<string, Values>): {
  parameters: Map<string, Parameter>;
} {
  const entries = Object.entries(inputs);
  return {
    parameters: new Map(entries.map(([name, v]) => [name, new Parameter(name, toTensor(v))])),
  };
}

/**
 * The op's output, and the gradient of Σ output·cotangent for each input. Expects the op to leave
 * nothing but its result, alone and while it is recorded.
 */
export function runOp<Name extends string>(
  op: (inputs: Record<Name, tf.Tensor>) => tf.Tensor,
  inputs: Record<Name, Values>,
  cotangent?: Values,
): { output: Values; gradients: Record<Name, Values> } {
  return expectNoLeak(() => {
    const model = parametersOf(inputs);
    const names = Object.keys(inputs) as Name[];
    const tensors = () =>
      Object.fromEntries(names.map((name) => [name, model.parameters.get(name)!.value])) as Record<
        Name,
        tf.Tensor
      >;
    const before = numTensors();
    const result = op(tensors());
    expect(numTensors()).toBe(before + 1);
    const output = take(result);

    const weights = toTensor(cotangent ?? numbers(output.shape, 99));
    const { value, gradients } = valueAndGradients(model, () =>
      tf.sum(tf.mul(op(tensors()), weights)),
    );
    expect([...gradients.keys()].sort()).toEqual([...names].sort());
    expect(numTensors()).toBe(before + 2 + names.length);
    tf.dispose([value, weights]);
    const taken = names.map((name) => [name, take(gradients.get(name)!)]);
    for (const parameter of model.parameters.values()) parameter.dispose();
    return { output, gradients: Object.fromEntries(taken) as Record<Name, Values> };
  });
}

/** Each value within `tolerance`, absolute; NaN and infinities equal. */
export function expectClose(actual: Values, expected: Values, tolerance = 1e-5): void {
  expect(actual.shape).toEqual(expected.shape);
  const scale = { at: -1, difference: 0 };
  for (let i = 0; i < expected.values.length; i++) {
    const [a, e] = [actual.values[i]!, expected.values[i]!];
    if (Object.is(a, e) || a === e) continue;
    const difference = Math.abs(a - e);
    if (!(difference <= scale.difference)) Object.assign(scale, { at: i, difference });
  }
  if (!(scale.difference <= tolerance)) {
    const { at, difference } = scale;
    throw new Error(
      `At ${at}: ${actual.values[at]} is ${difference} from ${expected.values[at]}, more than ${tolerance}`,
    );
  }
}

/** The largest difference is within `tolerance` of the largest expected value. */
export function expectCloseRelative(actual: Values, expected: Values, tolerance = 1e-4): void {
  const largest = Array.from(expected.values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  expectClose(actual, expected, tolerance * Math.max(largest, 1e-6));
}
