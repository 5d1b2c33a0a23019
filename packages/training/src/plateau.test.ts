import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { collate, sentences, TinyModel } from '../test/tiny-model.js';
import { plateauSchedule } from './schedules.js';
import { train } from './train.js';

let folder: string;
beforeAll(async () => void (await useWasm()));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'multihead-plateau-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What evaluations measure: better, no better twice, better. */
const losses = [3, 3.1, 2, 2, 1.5];
const rates = [1, 1, 0.5, 0.5, 0.25];

function run(model: TinyModel, changes: object = {}) {
  const used: number[] = [];
  const summary = train({
    model,
    ...{ dataset: sentences, collate, steps: 10, batchSize: 4, seed: 5, logEvery: 1 },
    schedule: plateauSchedule({ learningRate: 0.02 }),
    evaluation: { every: 2, evaluate: async ({ step }) => ({ loss: losses[step / 2 - 1]! }) },
    onProgress: ({ learningRate }) => void used.push(learningRate),
    ...changes,
  });
  return summary.then(
    (done) => ({ ...done, used }),
    (error) => Promise.reject(error),
  );
}

const weightsOf = (model: TinyModel) =>
  [...model.parameters].map(([key, { value }]) => [key, [...value.dataSync()]] as const);

test('the rate falls after evaluations that find nothing better, from the next step on', async () => {
  const model = new TinyModel();
  const before = tf.memory().numTensors;
  const { used } = await run(model);
  expect(used).toEqual(rates.flatMap((rate) => [0.02 * rate, 0.02 * rate]));
  expect(tf.memory().numTensors).toBe(before);
  model.dispose();
});

test.each([3, 4, 5, 7, 8])(
  'stopped after step %d, resumed: the rates, the log and the weights are those of one sitting',
  async (end) => {
    const [whole, cut] = [new TinyModel(), new TinyModel()];
    const { used, log } = await run(whole);
    const checkpoints = { folder, every: 100 };
    const controller = new AbortController();
    const first: number[] = [];
    const onProgress = ({ step, learningRate }: { step: number; learningRate: number }) => {
      first.push(learningRate);
      if (step === end) controller.abort();
    };
    await expect(
      run(cut, { checkpoints, signal: controller.signal, onProgress }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    const again = await run(cut, { checkpoints, resume: true });
    expect([...first, ...again.used]).toEqual(used);
    expect(again.log).toEqual(log);
    expect(weightsOf(cut)).toEqual(weightsOf(whole));
    for (const model of [whole, cut]) model.dispose();
  },
);

test('a run without evaluations, or with ones that measure no loss, is refused', async () => {
  const model = new TinyModel();
  const refused = (changes: object, code: string) =>
    expect(run(model, changes)).rejects.toMatchObject({ code });
  await refused({ evaluation: undefined }, 'BAD_OPTION');
  const measuring = (metrics: object) => ({
    evaluation: { every: 2, evaluate: async () => metrics },
  });
  await refused(measuring({ accuracy: 1 }), 'BAD_OPTION');
  await refused(measuring({ loss: Number.NaN }), 'NON_FINITE_LOSS');
  model.dispose();
});
