import { afterEach, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { numbers, onEachBackend, parametersOf, take, toTensor } from '../test/backends.js';
import { gelu, relu } from './activations.js';
import { valueAndGradients } from './gradients.js';
import { hasKernel, kernelOr, runKernel } from './kernel.js';
import { linear } from './linear.js';

interface Call {
  inputs: Record<string, tf.TensorInfo>;
  attrs: unknown;
}

onEachBackend((backendName) => {
  const registered: string[] = [];
  afterEach(() => {
    for (const kernelName of registered.splice(0)) tf.unregisterKernel(kernelName, backendName);
  });

  /** A kernel that gives 7 everywhere and notes what it was called with. */
  function register(kernelName: string, like: string): Call[] {
    const calls: Call[] = [];
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) => {
        calls.push({ inputs: { ...inputs } as Call['inputs'], attrs });
        return tf.fill(inputs[like]!.shape, 7);
      },
    });
    registered.push(kernelName);
    return calls;
  }

  test('an op runs the kernel of the active backend, with its inputs and attributes', () => {
    const forward = register('MhGelu', 'x');
    const backward = register('MhGeluGrad', 'x');
    const model = parametersOf({ x: numbers([2, 3]) });
    const x = model.parameters.get('x')!.value;
    expect(hasKernel('MhGelu')).toBe(true);
    expect(Array.from(take(gelu(x)).values)).toEqual([7, 7, 7, 7, 7, 7]);
    expect(Object.keys(forward[0]!.inputs)).toEqual(['x']);
    expect(forward[0]!.inputs.x).toBe(x);
    expect(forward[0]!.attrs).toEqual({ approximate: false });

    const { value, gradients } = valueAndGradients(model, () => tf.sum(gelu(x)));
    expect(take(value).values[0]).toBe(42);
    expect(Array.from(take(gradients.get('x')!).values)).toEqual([7, 7, 7, 7, 7, 7]);
    expect(Object.keys(backward[0]!.inputs)).toEqual(['dy', 'x']);
    x.dispose();
  });

  test('an input that is absent is left out', () => {
    const calls = register('MhMatMul', 'a');
    const [x, w, b] = [numbers([2, 2]), numbers([2, 2]), numbers([2])].map(toTensor);
    tf.dispose([linear(x!, w!), linear(x!, w!, b)]);
    expect(calls.map(({ inputs }) => Object.keys(inputs))).toEqual([
      ['a', 'b'],
      ['a', 'b', 'bias'],
    ]);
    expect(calls[0]!.attrs).toEqual({ transposeA: false, transposeB: true });
    tf.dispose([x!, w!, b!]);
  });

  test('without one the composition runs; an op without a kernel asks for none', () => {
    register('', 'x');
    register('Grad', 'x');
    expect(hasKernel('MhGelu')).toBe(false);
    const x = toTensor({ shape: [2], values: [-1, 2] });
    expect(Array.from(take(relu(x)).values)).toEqual([0, 2]);
    const composition = jest.fn(() => [tf.scalar(1)]);
    tf.dispose(kernelOr('MhNone', { x }, {}, composition));
    expect(composition).toHaveBeenCalledTimes(1);
    x.dispose();
  });

  test('a kernel with one output and one with several both give a list', () => {
    register('MhOne', 'x');
    tf.registerKernel({
      kernelName: 'MhTwo',
      backendName,
      kernelFunc: () => [tf.scalar(1), tf.scalar(2)],
    });
    registered.push('MhTwo');
    const x = tf.scalar(0);
    const outputs = [runKernel('MhOne', { x }, {}), runKernel('MhTwo', { x }, {})];
    expect(outputs.map((list) => list.map((t) => t.dataSync()[0]))).toEqual([[7], [1, 2]]);
    tf.dispose([x, ...outputs.flat()]);
  });
});
