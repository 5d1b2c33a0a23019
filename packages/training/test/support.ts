import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe } from '@jest/globals';
import { readSafetensors, type StoredTensor, toFloat32, toInt32 } from '@multihead/checkpoint';
import { Parameter } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

/** Runs the tests on both backends. */
export function onEachBackend(tests: () => void): void {
  describe.each(['cpu', 'wasm'])('on %s', (backend) => {
    beforeAll(async () => {
      if (backend === 'wasm') await useWasm();
      else await tf.setBackend('cpu');
      if (backend === 'cpu') useQuietly();
    });
    tests();
  });
}

/** At its first use in Node the cpu backend advertises the native one, which is no news here. */
function useQuietly(): void {
  const isNode = tf.env().get('IS_NODE');
  tf.env().set('IS_NODE', false);
  tf.scalar(0).dispose();
  tf.env().set('IS_NODE', isNode);
}

export const numTensors = (): number => tf.memory().numTensors;

export const fixturePath = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** The tensors of a fixture by name. */
export async function readFixture(name: string): Promise<Map<string, StoredTensor>> {
  const { tensors } = await readSafetensors(await readFile(fixturePath(name)));
  const byName = new Map<string, StoredTensor>();
  for await (const stored of tensors()) byName.set(stored.name, stored);
  return byName;
}

export const floats = (fixture: Map<string, StoredTensor>, name: string): Float32Array =>
  toFloat32(fixture.get(name)!);

/** Rows along the first dimension. */
export const rowsOf = (fixture: Map<string, StoredTensor>, name: string): number[][] => {
  const stored = fixture.get(name)!;
  const values = Array.from(stored.dtype.startsWith('F') ? toFloat32(stored) : toInt32(stored));
  const size = stored.shape.slice(1).reduce((a, b) => a * b, 1);
  return Array.from({ length: stored.shape[0]! }, (_, i) => values.slice(i * size, (i + 1) * size));
};

export const parametersOf = (values: Record<string, tf.Tensor>): Map<string, Parameter> =>
  new Map(Object.entries(values).map(([key, value]) => [key, new Parameter(key, value)]));

/** The values of a tensor, which is freed. */
export function take(tensor: tf.Tensor): number[] {
  const values = Array.from(tensor.dataSync());
  tensor.dispose();
  return values;
}
