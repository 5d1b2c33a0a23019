import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Weights } from '@multihead/nn';
import { TransfoXLConfig, TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
// @ts-expect-error: the tooling is plain JavaScript
import { lookingBack, lossesOf } from '../look-back.mjs';
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
  const names = Object.keys(recipe.configurations).map((name) => `${name}-1.json`);
  expect(Object.keys(all)).toEqual(names.sort());
  const lengths = (name: string) =>
    all[`${name}-1.json`].evaluations.map(
      (one: { attentionLength: number }) => one.attentionLength,
    );
  expect(lengths('shaw-memory')).toEqual([64, 32, 96, 144]);
  expect(lengths('shaw')).toEqual([16, 16, 24, 32, 48]);
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

test('a model that remembers looks farther back than one that does not', async () => {
  const sizes = { dModel: 8, dEmbed: 8, nHead: 2, dHead: 4, dInner: 8, nLayer: 2, initStd: 0.5 };
  const lookBack = { contextLengths: [4, 8, 12], segmentLength: 4, stride: 4, ratios: [0.5, 1] };
  const losses: Record<string, unknown> = {};
  const before = tf.memory().numTensors;
  for (const memLen of [0, 4]) {
    const config = new TransfoXLConfig({ vocabSize: 11, ...sizes, memLen, sameLength: false });
    const model = new TransfoXLLMHeadModel(config, new Weights({ seed: 1 }));
    const documents = [text.heldOut.slice(0, 60), text.heldOut.slice(60, 100)];
    losses[memLen] = await lossesOf({ model, documents, lookBack });
    model.dispose();
  }
  expect(tf.memory().numTensors).toBe(before);
  const { tokens, losses: means, ratios } = lookingBack(losses, lookBack);
  expect(tokens).toBe(12 + 7); // 12, 16, … 56 and 12, 16, … 36
  expect(ratios.map(({ ratio }: { ratio: number }) => ratio)).toEqual([0.5, 1]);
  expect(new Set(means[0].map((loss: number) => loss.toFixed(5))).size).toBe(1); // a segment is all it sees
  expect(new Set(means[4].map((loss: number) => loss.toFixed(5))).size).toBe(3);
  for (const { memories } of ratios) expect(memories[0].length).toBe(4);
});
