import { describe, expect, test } from '@jest/globals';
import type { StoredTensor } from '@multihead/checkpoint';
import * as tf from '@tensorflow/tfjs-core';
import { expectNoLeak, numTensors, onEachBackend } from '../test/backends.js';
import { normal, ones, readTensors, Weights, zeros } from './weights.js';

const valuesOf = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
const bytes = (array: ArrayBufferView) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const f32 = (name: string, ...values: number[]): StoredTensor => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  data: bytes(Float32Array.from(values)),
});

onEachBackend(() => {
  const given = (tensors: Record<string, number[]>) =>
    new Map(
      Object.entries(tensors).map(([key, values]) => [key, tf.tensor1d(values) as tf.Tensor]),
    );

  describe('Weights', () => {
    test('the path walked is the key', () => {
      const weights = new Weights();
      weights.at('encoder', 'layer', 0).at('query').parameter('weight', [1], ones);
      weights.parameter('bias', [1], zeros);
      weights.at('').at('a').parameter('b', [1], zeros);
      expect([...weights.parameters.keys()]).toEqual([
        'encoder.layer.0.query.weight',
        'bias',
        'a.b',
      ]);
      expect([...weights.parameters].every(([key, { path }]) => key === path)).toBe(true);
      weights.dispose();
    });

    test('asking twice gives the same parameter, another shape is an error', () => {
      const weights = new Weights();
      const first = weights.at('a').parameter('w', [2], ones);
      expect(weights.at('a').parameter('w', [2], zeros)).toBe(first);
      expect(() => weights.at('a').parameter('w', [3], ones)).toThrow(
        expect.objectContaining({
          code: 'WRONG_SHAPE',
          message: expect.stringMatching(/a\.w is \[2\].*\[3\]/),
        }),
      );
      weights.dispose();
    });

    test('reads what it is given', () => {
      expectNoLeak(() => {
        const tensors = given({ 'a.w': [1, 2] });
        const tensor = tensors.get('a.w');
        const weights = new Weights({ tensors });
        expect(weights.at('a').parameter('w', [2], zeros).value).toBe(tensor);
        expect(weights.finish()).toEqual({ missing: [], unexpected: [] });
        weights.dispose();
      });
    });

    test('a wrong shape names the key and both shapes, and dispose then frees all', () => {
      expectNoLeak(() => {
        const weights = new Weights({ tensors: given({ good: [1], 'a.w': [1, 2], rest: [3] }) });
        weights.parameter('good', [1], zeros);
        expect(() => weights.at('a').parameter('w', [2, 1], zeros)).toThrow(
          expect.objectContaining({
            code: 'WRONG_SHAPE',
            message: 'a.w is [2] in the checkpoint, but the configuration asks for [2,1].',
          }),
        );
        weights.dispose();
      });
    });

    test('missing keys are an error that names them, unless they may be drawn', () => {
      expectNoLeak(() => {
        const weights = new Weights({ tensors: given({ a: [1], extra: [2] }) });
        for (const name of ['a', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6'])
          weights.parameter(name, [1], ones);
        expect(() => weights.finish()).toThrow(
          expect.objectContaining({
            code: 'MISSING_KEYS',
            message: expect.stringMatching(/lacks b1, b2, b3, b4, b5 and 1 more.*extra/),
          }),
        );
        weights.dispose();
      });
      expectNoLeak(() => {
        const tensors = given({ a: [5], extra: [2] });
        const weights = new Weights({ tensors, initializeMissing: true });
        const a = weights.parameter('a', [1], ones);
        const b = weights.parameter('b', [1], ones);
        expect(weights.finish()).toEqual({ missing: ['b'], unexpected: ['extra'] });
        expect([...valuesOf(a.value), ...valuesOf(b.value)]).toEqual([5, 1]);
        expect(tensors.size).toBe(0); // what nobody asked for is freed
        weights.dispose();
      });
    });

    test('same seed and key give the same values in any order; another of either does not', () => {
      const draw = (seed: number, ...names: string[]) => {
        const weights = new Weights({ seed });
        for (const name of names) weights.at('m').parameter(name, [5], normal(1));
        const drawn = Object.fromEntries(
          [...weights.parameters].map(([key, p]) => [key, valuesOf(p.value)]),
        );
        weights.dispose();
        return drawn;
      };
      const ab = draw(7, 'a', 'b');
      expect(draw(7, 'b', 'a')).toEqual(ab);
      expect(ab['m.a']).not.toEqual(ab['m.b']);
      expect(draw(8, 'a')['m.a']).not.toEqual(ab['m.a']);
    });

    test('lives through a tidy', () => {
      const weights = new Weights();
      tf.tidy(() => void weights.parameter('w', [2], ones));
      expect(valuesOf(weights.parameters.get('w')!.value)).toEqual([1, 1]);
      weights.dispose();
    });
  });

  describe('readTensors', () => {
    test('makes float32 of every dtype', async () => {
      const stored: StoredTensor[] = [
        { name: 'f16', dtype: 'F16', shape: [2, 1], data: bytes(Uint16Array.of(0x3c00, 0xc100)) },
        { name: 'bf16', dtype: 'BF16', shape: [2], data: bytes(Uint16Array.of(0x3f80, 0xc020)) },
        { name: 'i64', dtype: 'I64', shape: [2], data: bytes(BigInt64Array.of(3n, -4n)) },
        { name: 'scalar', dtype: 'F32', shape: [], data: bytes(Float32Array.of(0.1)) },
      ];
      const tensors = await readTensors(stored);
      expect([...tensors.values()].every(({ dtype }) => dtype === 'float32')).toBe(true);
      expect(Object.fromEntries([...tensors].map(([k, t]) => [k, [t.shape, valuesOf(t)]]))).toEqual(
        {
          f16: [
            [2, 1],
            [1, -2.5],
          ],
          bf16: [[2], [1, -2.5]],
          i64: [[2], [3, -4]],
          scalar: [[], [Math.fround(0.1)]],
        },
      );
      tf.dispose([...tensors.values()]);
    });

    test('owns its values: what the reader does to its bytes later does not show', async () => {
      const stored = f32('w', 1, 2);
      const tensors = await readTensors([stored]);
      stored.data.fill(0);
      expect(valuesOf(tensors.get('w')!)).toEqual([1, 2]);
      tf.dispose([...tensors.values()]);
    });

    test('maps keys, leaves out what has none', async () => {
      const keyMap = (key: string) => (key === 'drop' ? undefined : key.replace('gamma', 'weight'));
      const tensors = await readTensors([f32('gamma', 1), f32('drop', 2)], keyMap);
      expect([...tensors.keys()]).toEqual(['weight']);
      tf.dispose([...tensors.values()]);
    });

    test('two keys for one weight, and a reader that fails, leave nothing', async () => {
      const before = numTensors();
      await expect(readTensors([f32('a', 1), f32('b', 2)], () => 'w')).rejects.toThrow(
        expect.objectContaining({
          code: 'BAD_INPUT',
          message: expect.stringMatching(/^b is w a second/),
        }),
      );
      async function* failing() {
        yield f32('a', 1);
        throw new Error('connection lost');
      }
      await expect(readTensors(failing())).rejects.toThrow('connection lost');
      expect(numTensors()).toBe(before);
    });
  });
});
