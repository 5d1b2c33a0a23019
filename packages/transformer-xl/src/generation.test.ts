import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { generate } from '@multihead/generation';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { TransfoXLLMHeadModel } from './index.js';

const folder = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const read = (name: string): { prompts: number[][]; generated: number[][] } =>
  JSON.parse(readFileSync(`${folder(name)}/greedy.json`, 'utf8'));

describe.each([
  { backend: 'cpu', start: () => tf.setBackend('cpu') },
  { backend: 'wasm', start: () => useWasm() },
])('on $backend', ({ start }) => {
  beforeAll(async () => void (await start()));

  test.each(['div-1', 'div-2', 'no-memory', 'long-memory'])(
    '%s goes on as in transformers, and reads its prompt once (#4752)',
    async (name) => {
      const { prompts, generated } = read(name);
      const model = await TransfoXLLMHeadModel.fromPretrained(folder(name));
      const before = tf.memory().numTensors;
      const step = jest.spyOn(model, 'step');
      const output = await generate(model, { inputIds: prompts }, { maxNewTokens: 30 });
      expect(output.generated).toEqual(generated);
      const taken = step.mock.calls.map(([ids]) => (ids as number[][]).map((row) => row.length));
      expect(taken).toEqual([[7, 7, 7], ...Array<number[]>(29).fill([1, 1, 1])]);
      expect(tf.memory().numTensors).toBe(before);
      model.dispose();
    },
  );

  test('prompts of different lengths go on as each does alone; so do beams', async () => {
    const model = await TransfoXLLMHeadModel.fromPretrained(folder('div-2'));
    const prompts = [[1, 9, 20, 4], [7], [3, 3, 22, 0, 5, 6, 8]];
    for (const options of [{ maxNewTokens: 8 }, { maxNewTokens: 6, numBeams: 3 }]) {
      const width = 7;
      const padded = {
        inputIds: prompts.map((row) => [...Array<number>(width - row.length).fill(0), ...row]),
        attentionMask: prompts.map((row) =>
          Array.from({ length: width }, (_, i) => Number(i >= width - row.length)),
        ),
      };
      const together = await generate(model, padded, { ...options, padTokenId: 0 });
      for (const [i, prompt] of prompts.entries()) {
        const alone = await generate(model, { inputIds: [prompt] }, options);
        expect(together.generated[i]).toEqual(alone.generated[0]);
      }
    }
    model.dispose();
  });
});
