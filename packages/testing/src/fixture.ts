import {
  type Folder,
  loadFolder,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  toInt32,
} from '@multihead/checkpoint';
import * as tf from '@tensorflow/tfjs-core';

/** One case from a reference implementation: a model folder, what went in, and what came out. */
export interface Fixture {
  folder: Folder;
  /** By the reference's name (`input_ids`, …): int32 or float32 tensors. */
  inputs: Map<string, tf.Tensor>;
  /** By the reference's name (`logits`, `hidden_states.0`, `grad/<key>`, …). */
  expected: Map<string, Expected>;
  dispose(): void;
}

export interface Expected {
  shape: number[];
  values: Float32Array;
}

/**
 * Opens a folder that a script under `tooling/reference` wrote: a Hugging Face model folder with
 * `inputs.safetensors` and `expected.safetensors` beside it.
 */
export async function openFixture(path: string): Promise<Fixture> {
  const folder = await loadFolder(path);
  const inputs = new Map<string, tf.Tensor>();
  const expected = new Map<string, Expected>();
  for await (const stored of tensorsIn(folder, 'inputs.safetensors')) {
    const { name, shape, dtype } = stored;
    const value = dtype.startsWith('F')
      ? tf.tensor(toFloat32(stored), shape, 'float32')
      : tf.tensor(toInt32(stored), shape, 'int32');
    inputs.set(name, value);
  }
  for await (const stored of tensorsIn(folder, 'expected.safetensors')) {
    expected.set(stored.name, { shape: stored.shape, values: toFloat32(stored) });
  }
  return { folder, inputs, expected, dispose: () => tf.dispose([...inputs.values()]) };
}

async function* tensorsIn(folder: Folder, name: string): AsyncGenerator<StoredTensor> {
  const bytes = await folder.readBytes(name);
  if (bytes === undefined) throw new Error(`${folder.source} has no ${name}.`);
  yield* (await readSafetensors(bytes, { file: name })).tensors();
}

/** `last_hidden_state` → `lastHiddenState`; a number after a dot stays. */
export const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
