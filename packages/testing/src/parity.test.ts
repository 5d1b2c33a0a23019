import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fromFloat32, type StoredTensor, writeSafetensors } from '@multihead/checkpoint';
import { type Ids, idsToTensor, Weights } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { camelCase, distance, expectParity, finiteDifference, openFixture } from './index.js';

/** A model of one number w: `someOutput` = w · ids, `loss` = its sum. */
function toy(w: number) {
  const weights = new Weights({ tensors: new Map([['w', tf.scalar(w)]]) });
  const parameter = weights.parameter('w', [], () => {});
  return {
    config: { toJson: () => ({}) },
    parameters: weights.parameters,
    forward: ({ inputIds }: { inputIds: Ids }) => {
      const ids = tf.cast(idsToTensor(inputIds, 'inputIds', { end: 10 }), 'float32');
      const someOutput = tf.mul(parameter.value, ids);
      return { someOutput, loss: tf.sum(someOutput), dispose: () => someOutput.dispose() };
    },
    save: async () => {},
    dispose: () => weights.dispose(),
  };
}

describe('expectParity', () => {
  let folder: string;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    folder = await mkdtemp(join(tmpdir(), 'multihead-testing-'));
    const ids: StoredTensor = {
      name: 'input_ids',
      dtype: 'I32',
      shape: [1, 2],
      data: new Uint8Array(Int32Array.of(3, 4).buffer),
    };
    await writeFile(join(folder, 'inputs.safetensors'), writeSafetensors([ids], {}));
    const expected = [
      fromFloat32('some_output', [1, 2], Float32Array.of(6, 8)),
      fromFloat32('loss', [], Float32Array.of(14)),
      fromFloat32('grad/w', [], Float32Array.of(7)),
    ];
    await writeFile(join(folder, 'expected.safetensors'), writeSafetensors(expected, {}));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('passes a model that computes what the reference did', async () => {
    await expectParity(folder, { load: async () => toy(2) });
  });

  test('fails one that is off by more than the tolerance, naming what is off', async () => {
    await expect(expectParity(folder, { load: async () => toy(2.001) })).rejects.toThrow(
      /some_output: off by/,
    );
    await expectParity(folder, { load: async () => toy(2.001), tolerance: 0.1 });
  });

  test('fails one that lacks an output', async () => {
    const lacking = () => {
      const model = toy(2);
      const forward: typeof model.forward = (inputs) => {
        const { someOutput, ...rest } = model.forward(inputs);
        return rest as ReturnType<typeof model.forward>;
      };
      return { ...model, forward };
    };
    await expect(expectParity(folder, { load: async () => lacking() })).rejects.toThrow(
      /some_output: not produced/,
    );
  });

  test('reads a fixture by the reference’s names', async () => {
    const fixture = await openFixture(folder);
    expect([...fixture.inputs.keys()]).toEqual(['input_ids']);
    expect(fixture.expected.get('loss')?.values).toEqual(Float32Array.of(14));
    fixture.dispose();
  });
});

test('distance finds the worst place, and NaN on one side is infinitely far', () => {
  expect(distance([1, 2, 5], [1, 2, 4])).toEqual({ absolute: 1, relative: 0.25, index: 2 });
  expect(distance([Number.NaN], [1]).absolute).toBe(Number.POSITIVE_INFINITY);
  expect(distance([Number.NaN], [Number.NaN]).absolute).toBe(0);
  expect(distance([1], [1, 2]).absolute).toBe(Number.POSITIVE_INFINITY);
});

test('camelCase turns a reference’s name into ours', () => {
  expect(camelCase('last_hidden_state')).toBe('lastHiddenState');
  expect(camelCase('hidden_states.0')).toBe('hiddenStates.0');
});

test('finiteDifference measures the slope along a direction and leaves the parameter as it was', async () => {
  await tf.setBackend('cpu');
  const weights = new Weights({ tensors: new Map([['w', tf.tensor1d([3, 1])]]) });
  const w = weights.parameter('w', [2], () => {});
  const square = () => tf.sum(tf.square(w.value)); // gradient [6, 2]
  const gradient = tf.tensor1d([6, 2]);
  const { slope, expected } = finiteDifference(w, gradient, [1, 0], square);
  expect(slope).toBeCloseTo(6, 2);
  expect(expected).toBeCloseTo(6, 5);
  expect(Array.from(w.value.dataSync())).toEqual([3, 1]);
  weights.dispose();
});
