import { expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

/** The call fails with this code, and leaves no tensor behind. */
export async function expectCode(code: string, call: () => unknown): Promise<void> {
  const before = tf.memory().numTensors;
  const error = await (async () => call())().then(
    () => undefined,
    (thrown: unknown) => thrown as { code?: string; name: string; message: string },
  );
  expect([error?.code, error?.message]).toEqual([code, expect.any(String)]);
  expect(tf.memory().numTensors).toBe(before);
}
