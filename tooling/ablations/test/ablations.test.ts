import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
// @ts-expect-error: the tooling is plain JavaScript
import * as recipe from '../recipe.mjs';
// @ts-expect-error: the tooling is plain JavaScript
import { Results } from '../results.mjs';
// @ts-expect-error: the tooling is plain JavaScript
import { runAll, settingsOf } from '../runs.mjs';

const tiny = {
  ...recipe,
  architecture: {
    ...recipe.architecture,
    ...{ dModel: 8, dEmbed: 8, nHead: 2, dHead: 4, dInner: 8, nLayer: 1 },
  },
  training: { ...recipe.training, steps: 4, warmup: 1, batchSize: 2, checkpointEvery: 2 },
  group: { ...recipe.group, contextLengths: [8, 16, 24], stride: 40 },
};
const text = {
  train: Int32Array.from({ length: 600 }, (_, i) => (i * i) % 11),
  heldOut: Int32Array.from({ length: 200 }, (_, i) => (i * i + i) % 11),
  vocabSize: 11,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'multihead-ablations-'));
  await useWasm();
});
afterAll(() => rm(folder, { recursive: true }));
const run = (name: string, given: object = {}) => {
  const results = new Results(join(folder, name, 'results'));
  const work = join(folder, name, 'work');
  return runAll({ recipe: tiny, seeds: [1], text, results, work, ...given });
};
const resultsOf = async (name: string) => {
  const files = (await readdir(join(folder, name, 'results'))).sort();
  const read = files.map(async (file) => {
    const text = await readFile(join(folder, name, 'results', file), 'utf8');
    return [file, JSON.parse(text)] as const;
  });
  return Object.fromEntries(await Promise.all(read));
};

test('every configuration is trained, evaluated at its lengths, and nothing leaks', async () => {
  const before = tf.memory().numTensors;
  await run('whole');
  expect(tf.memory().numTensors).toBe(before);
  const all = await resultsOf('whole');
  expect(Object.keys(all)).toEqual(
    [
      ...Object.keys(recipe.configurations).map((name) => `${name}-1.json`),
      'context-1.json',
    ].sort(),
  );
  const lengths = (name: string) =>
    all[`${name}-1.json`].evaluations.map(
      (one: { attentionLength: number }) => one.attentionLength,
    );
  expect(lengths('shaw-memory')).toEqual([64, 32, 96, 144]);
  expect(lengths('shaw')).toEqual([16, 16, 24, 32, 48]);
  const { ratios } = all['context-1.json'];
  // A model without memory sees its segment of 16 tokens and no more.
  expect(ratios[2].models.relative.gains[1]).toMatchObject({ from: 16, to: 24, gain: 0 });
});

test('a run that was stopped goes on and ends the same; one that is done is not run again', async () => {
  const controller = new AbortController();
  const runs: string[] = [];
  const onProgress = ({ run, step }: { run: string; step: number }) => {
    runs.push(run);
    if (run === 'shaw-memory-1' && step === 3) controller.abort();
  };
  const stopped = run('stopped', { onProgress, signal: controller.signal });
  await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
  expect(Object.keys(await resultsOf('stopped'))).toEqual(['relative-memory-1.json']);
  runs.length = 0;
  await run('stopped', { onProgress });
  expect(runs.filter((name) => name === 'relative-memory-1')).toEqual([]);
  expect(runs.filter((name) => name === 'shaw-memory-1')).toHaveLength(1); // of four steps the last
  expect(await resultsOf('stopped')).toEqual(await resultsOf('whole'));
});

test('results by other settings are not mixed in', async () => {
  const results = new Results(join(folder, 'whole', 'results'));
  const { flags } = recipe.configurations.shaw;
  expect(await results.read('shaw-1', settingsOf(tiny, flags))).toMatchObject({ seed: 1 });
  const other = { ...tiny, training: { ...tiny.training, steps: 5 } };
  await expect(results.read('shaw-1', settingsOf(other, flags))).rejects.toThrow('other settings');
});
