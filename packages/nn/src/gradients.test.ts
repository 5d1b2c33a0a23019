import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  expectClose,
  expectNoLeak,
  numbers,
  numTensors,
  onEachBackend,
  parametersOf,
  take,
} from '../test/backends.js';
import { differentiable } from './differentiable.js';
import { embedding } from './embedding.js';
import { valueAndGradients } from './gradients.js';
import { linear } from './linear.js';

const model = () => parametersOf({ a: numbers([2, 3]), b: numbers([3], 2) });
type Model = ReturnType<typeof model>;
const loss = ({ parameters }: Model) =>
  tf.sum(tf.mul(parameters.get('a')!.value, parameters.get('b')!.value));
const free = ({ parameters }: Model) => {
  for (const parameter of parameters.values()) parameter.dispose();
};

onEachBackend(() => {
  test('gives the value and a gradient by key, and leaves nothing else', () => {
    expectNoLeak(() => {
      const m = model();
      const before = numTensors();
      const { value, gradients } = valueAndGradients(m, () => loss(m));
      expect(numTensors()).toBe(before + 3);
      const [a, b] = [numbers([2, 3]).values, numbers([3], 2).values];
      const expected = Array.from(a).reduce((sum, v, i) => sum + v * b[i % 3]!, 0);
      expect(value.dataSync()[0]).toBeCloseTo(expected, 5);
      expect(Array.from(gradients.get('a')!.dataSync())).toEqual([
        ...Array.from(b),
        ...Array.from(b),
      ]);
      expect(gradients.get('b')!.shape).toEqual([3]);
      tf.dispose([value, ...gradients.values()]);
      free(m);
    });
  });

  test('frozen and unused parameters have no gradient', () => {
    const m = parametersOf({ a: numbers([2, 3]), b: numbers([3]), unused: numbers([4]) });
    m.parameters.get('b')!.trainable = false;
    const { value, gradients } = valueAndGradients(m, () => loss(m));
    expect([...gradients.keys()]).toEqual(['a']);
    tf.dispose([value, ...gradients.values()]);
    m.parameters.get('a')!.trainable = false;
    const none = expectNoLeak(() => {
      const { value, gradients } = valueAndGradients(m, () => loss(m));
      return { value: take(value), gradients };
    });
    expect(none.value.shape).toEqual([]);
    expect(none.gradients.size).toBe(0);
    free(m);
  });

  test('a tied weight has the sum of its uses: embedding and decoder', () => {
    expectNoLeak(() => {
      const m = parametersOf({ tied: numbers([4, 3]) });
      const tied = m.parameters.get('tied')!;
      const ids = tf.tensor1d([1, 1, 2], 'int32');
      const { value, gradients } = valueAndGradients(m, () =>
        tf.sum(linear(embedding(tied, ids), tied)),
      );
      // Σᵢ Σᵥ wᵢ·wᵥ over the looked-up rows i and all rows v: each row's gradient is the sum of the
      // looked-up rows, and once more the sum of all rows for each time it was looked up.
      const w = numbers([4, 3]).values;
      const row = (r: number) => [0, 1, 2].map((c) => w[r * 3 + c]!);
      const add = (...rows: number[][]) =>
        [0, 1, 2].map((c) => rows.reduce((s, r) => s + r[c]!, 0));
      const all = add(row(0), row(1), row(2), row(3));
      const looked = add(row(1), row(1), row(2));
      const expected = [looked, add(looked, all, all), add(looked, all), looked].flat();
      const actual = { shape: [12], values: gradients.get('tied')!.dataSync() };
      expectClose(actual, { shape: [12], values: expected }, 1e-4);
      tf.dispose([value, ids, ...gradients.values()]);
      free(m);
    });
  });

  describe('leaves nothing behind when', () => {
    const failing: [string, (m: Model) => tf.Tensor, RegExp][] = [
      [
        'the forward pass throws',
        (m) => {
          loss(m);
          throw new Error('half way');
        },
        /half way/,
      ],
      [
        'an op throws',
        (m) => linear(tf.mul(m.parameters.get('a')!.value, 2), tf.zeros([1, 7])),
        /linear takes/,
      ],
      [
        'the backward pass throws',
        (m) =>
          tf.sum(
            differentiable({
              forward: (x) => ({ value: tf.square(x!), saved: [x!] }),
              backward: () => {
                throw new Error('no way back');
              },
            })(tf.mul(m.parameters.get('a')!.value, 2)),
          ),
        /no way back/,
      ],
      ['an op has no gradient', (m) => tf.sum(tf.sin(m.parameters.get('a')!.value)), /Sin/],
      [
        'the result is no scalar',
        (m) => tf.square(m.parameters.get('a')!.value),
        /one number.*\[2,3\]/,
      ],
      ['there is no result', () => undefined as unknown as tf.Tensor, /one number/],
    ];
    test.each(failing)('%s', (_, f, message) => {
      const m = model();
      expectNoLeak(() => expect(() => valueAndGradients(m, () => f(m))).toThrow(message));
      const { value, gradients } = valueAndGradients(m, () => loss(m)); // and works afterwards
      expect(gradients.size).toBe(2);
      tf.dispose([value, ...gradients.values()]);
      free(m);
    });
  });

  test('a gradient that is dy itself, given to two inputs, is not freed while it is in use', () => {
    const sum = differentiable({
      forward: (a, b) => ({ value: tf.add(a!, b!), saved: [] }),
      backward: (dy) => [dy, dy],
    });
    expectNoLeak(() => {
      const m = parametersOf({ a: numbers([3]), b: numbers([3]) });
      const [a, b] = [m.parameters.get('a')!, m.parameters.get('b')!];
      const { value, gradients } = valueAndGradients(m, () => {
        const both = sum(a.value, b.value);
        return tf.sum(tf.add(sum(both, a.value), sum(b.value, both)));
      });
      expect(Array.from(gradients.get('a')!.dataSync())).toEqual([3, 3, 3]);
      expect(Array.from(gradients.get('b')!.dataSync())).toEqual([3, 3, 3]);
      tf.dispose([value, ...gradients.values()]);
      free(m);
    });
  });
});
