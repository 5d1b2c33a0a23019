import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadFolder, readSafetensors } from '@multihead/checkpoint';
import { Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import { faultyDisk } from '../test/faulty-disk.js';
import { memoryFolder } from '../test/memory-folder.js';
import { numTensors } from '../test/support.js';
import { collate, sentences, type TinyBatch, TinyModel } from '../test/tiny-model.js';
import { adagrad } from './adagrad.js';
import { adamW } from './adamw.js';
import { constantSchedule, linearSchedule } from './schedules.js';
import { sgd } from './sgd.js';
import { type TrainOptions, train } from './train.js';

let folder: string;
beforeEach(async () => {
  await useWasm();
  folder = await mkdtemp(join(tmpdir(), 'multihead-training-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Options = Partial<TrainOptions<number[], TinyBatch>>;

/** Trains a fresh model and leaves no tensors. */
async function run(changes: Options = {}) {
  const before = numTensors();
  const model = new TinyModel();
  const { checkpoints, ...others } = changes;
  try {
    return await train({
      model,
      dataset: sentences,
      collate,
      schedule: linearSchedule({ learningRate: 0.03, totalSteps: 20, warmupSteps: 3 }),
      steps: 8,
      batchSize: 4,
      gradientAccumulationSteps: 2,
      logEvery: 3,
      seed: 5,
      checkpoints: { folder, every: 3, ...checkpoints },
      ...others,
    });
  } finally {
    model.dispose();
    expect(numTensors()).toBe(before);
  }
}

/** What a run leaves behind, without the time it took. */
async function outcome(of = folder, step = 8) {
  const at = (name: string) => join(of, `checkpoint-${step}`, name);
  const state = JSON.parse(await readFile(at('trainer_state.json'), 'utf8'));
  delete state.seconds;
  return {
    weights: (await readFile(at('model.safetensors'))).toString('hex'),
    optimizer: (await readFile(at('optimizer.safetensors'))).toString('hex'),
    state,
  };
}

/** The same run, never stopped. */
const uninterrupted = (changes: Options = {}) =>
  inFolder('whole', async (whole) => {
    const { checkpoints, ...others } = changes;
    await run({ ...others, checkpoints: { every: 3, ...checkpoints, folder: whole } });
    return outcome(whole);
  });

async function inFolder<T>(name: string, work: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, name);
  try {
    return await work(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

const stopAt = (step: number, changes: Options = {}) => {
  const controller = new AbortController();
  const onProgress: Options['onProgress'] = (at) => at.step === step && controller.abort();
  return run({ ...changes, signal: controller.signal, onProgress });
};

test('a checkpoint is a Hugging Face folder with optimizer and state beside it', async () => {
  const files = { 'vocab.txt': 'a\nb\n' };
  const { checkpoint } = await run({ checkpoints: { folder, every: 3, files } });
  expect(checkpoint).toBe(join(folder, 'checkpoint-8'));
  expect((await readdir(checkpoint!)).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'optimizer.safetensors',
    'trainer_state.json',
    'vocab.txt',
  ]);
  const config = JSON.parse(await readFile(join(checkpoint!, 'config.json'), 'utf8'));
  expect(config).toEqual({ vocab_size: 13, architectures: ['TinyModel'] });
  const { tensors } = await readSafetensors(
    await readFile(join(checkpoint!, 'optimizer.safetensors')),
  );
  const shapes: Record<string, string> = {};
  for await (const { name, dtype, shape } of tensors()) shapes[name] = `${dtype} [${shape}]`;
  expect(shapes).toEqual({
    'step.embedding.weight': 'I32 []',
    'exp_avg.embedding.weight': 'F32 [13,6]',
    'exp_avg_sq.embedding.weight': 'F32 [13,6]',
    'step.decoder.weight': 'I32 []',
    'exp_avg.decoder.weight': 'F32 [13,6]',
    'exp_avg_sq.decoder.weight': 'F32 [13,6]',
    'step.decoder.bias': 'I32 []',
    'exp_avg.decoder.bias': 'F32 [13]',
    'exp_avg_sq.decoder.bias': 'F32 [13]',
  });
  const { state } = await outcome();
  expect(state).toMatchObject({ global_step: 8, max_steps: 8, epoch: 64 / 23 });
  expect(Object.keys(state.log_history[0])).toEqual([
    'step',
    'epoch',
    'loss',
    'learning_rate',
    'grad_norm',
  ]);
});

test('the saved model is the trained one, to the bit', async () => {
  const model = new TinyModel(new Weights({ seed: 4 }));
  const schedule = constantSchedule({ learningRate: 0.1 });
  const common = { model, dataset: sentences, collate, schedule, batchSize: 4 };
  await train({ ...common, steps: 2, checkpoints: { folder, every: 5 } });
  const saved = await TinyModel.load(join(folder, 'checkpoint-2'));
  for (const [key, parameter] of model.parameters) {
    expect(saved.parameters.get(key)!.value.dataSync()).toEqual(parameter.value.dataSync());
  }
  model.dispose();
  saved.dispose();
});

test('in a browser, into the handle of a folder: stopped, resumed, and the same', async () => {
  const handle = memoryFolder();
  const checkpoints = { folder: handle, every: 3, keep: 2 };
  await expect(stopAt(5, { checkpoints })).rejects.toThrow('run/checkpoint-5');
  const { resumedFrom, checkpoint } = await run({ checkpoints, resume: true });
  expect([resumedFrom, checkpoint]).toEqual([5, 'run/checkpoint-8']);
  const names: string[] = [];
  for await (const name of handle.keys()) names.push(name);
  expect(names).toEqual(['checkpoint-6', 'checkpoint-8']);

  const saved = await loadFolder(await handle.getDirectoryHandle('checkpoint-8'));
  const hex = async (name: string) => Buffer.from((await saved.readBytes(name))!).toString('hex');
  const { weights, optimizer } = await uninterrupted();
  expect(await hex('model.safetensors')).toBe(weights);
  expect(await hex('optimizer.safetensors')).toBe(optimizer);
  await expect(run({ checkpoints })).rejects.toMatchObject({ code: 'CHECKPOINTS_EXIST' });
});

test('keeps the newest ones only', async () => {
  await run({ checkpoints: { folder, every: 1, keep: 3 } });
  expect((await readdir(folder)).sort()).toEqual(['checkpoint-6', 'checkpoint-7', 'checkpoint-8']);
});

describe('a run that is stopped and resumed ends as one that was not, to the bit:', () => {
  test.each([1, 2, 3, 4, 6, 7])('aborted after step %i', async (step) => {
    await expect(stopAt(step)).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining(`checkpoint-${step}`),
    });
    const { resumedFrom } = await run({ resume: true });
    expect(resumedFrom).toBe(step);
    expect(await outcome()).toEqual(await uninterrupted());
  });

  test.each([
    ['SGD with a momentum', { optimizer: sgd({ momentum: 0.9 }) }],
    ['SGD without', { optimizer: sgd({ weightDecay: 0.1 }) }],
    ['Adagrad', { optimizer: adagrad() }],
    [
      'gradients clipped but for some',
      { maxGradNorm: 0.05, clips: (key: string) => key !== 'embedding.weight' },
    ],
  ])('with %s', async (_, changes) => {
    await expect(stopAt(4, changes)).rejects.toThrow('aborted');
    await run({ ...changes, resume: true });
    expect(await outcome()).toEqual(await uninterrupted(changes));
    expect((await outcome()).weights).not.toEqual((await uninterrupted()).weights);
  });

  test('stopped again and again, with evaluations in the log', async () => {
    const asked: number[] = [];
    const evaluation = {
      every: 2,
      evaluate: async ({ step }: { step: number }) => {
        asked.push(step);
        return { loss: 1 / step, perplexity: 3 };
      },
    };
    for (const step of [1, 2, 5, 7]) {
      await expect(stopAt(step, { evaluation, resume: true })).rejects.toThrow('aborted');
    }
    const summary = await run({ evaluation, resume: true });
    expect(asked).toEqual([2, 4, 6, 8]);
    expect(summary.evaluation).toEqual({ loss: 1 / 8, perplexity: 3 });
    expect(await outcome()).toEqual(await uninterrupted({ evaluation }));
  });

  test('aborted within an evaluation, which is then made up for', async () => {
    const controller = new AbortController();
    const evaluate = async ({ step }: { step: number }) => {
      if (step === 4) controller.abort();
      return { loss: step };
    };
    const evaluation = { every: 2, evaluate };
    await expect(run({ evaluation, signal: controller.signal })).rejects.toThrow('after step 4');
    await run({ evaluation, resume: true });
    expect(await outcome()).toEqual(await uninterrupted({ evaluation }));
  });

  test('aborted without a checkpoint, from the one before', async () => {
    const checkpoints = { folder, every: 3, onAbort: false };
    await expect(stopAt(5, { checkpoints })).rejects.toThrow('checkpoint-3');
    expect(await readdir(folder)).toEqual(['checkpoint-3']);
    expect((await run({ resume: true })).resumedFrom).toBe(3);
    expect(await outcome()).toEqual(await uninterrupted());
  });
});

test('resume begins where there is nothing to resume, and does nothing where all is done', async () => {
  expect((await run({ resume: true })).resumedFrom).toBe(0);
  const done = await outcome();
  const again = await run({ resume: true, onProgress: () => expect('a step').toBe('none') });
  expect(again).toMatchObject({ resumedFrom: 8, checkpoint: join(folder, 'checkpoint-8') });
  expect(await outcome()).toEqual(done);
});

test('a longer run goes on from a shorter one', async () => {
  await run({ steps: 5, logEvery: 1 });
  await run({ resume: true, logEvery: 1 });
  expect(await outcome()).toEqual(await uninterrupted({ logEvery: 1 }));
});

describe('a disk that fails at any change to it', () => {
  const into = (path: string, changes: Options = {}) => {
    const checkpoints = { folder: path, every: 1, keep: 1 };
    return run({ steps: 2, batchSize: 2, ...changes, checkpoints });
  };
  const expected = () => inFolder('whole', (path) => into(path).then(() => outcome(path, 2)));

  /** How many changes a run makes to the disk. */
  async function countChanges() {
    const disk = faultyDisk('crash', Number.POSITIVE_INFINITY);
    await inFolder('counted', (path) => into(path)).finally(disk.restore);
    return disk.count;
  }

  test('killed at each of them: resumed, the run ends as if nothing had been', async () => {
    const changes = await countChanges();
    expect(changes).toBeGreaterThan(30);
    const whole = await expected();
    for (let at = 1; at <= changes; at++) {
      await inFolder(`crash-${at}`, async (path) => {
        let savedStep = 0;
        const onProgress: Options['onProgress'] = ({ checkpoint, step }) => {
          if (checkpoint !== undefined) savedStep = step;
        };
        const disk = faultyDisk('crash', at);
        const error = await into(path, { onProgress }).then(
          () => undefined,
          (error: Error) => error,
        );
        disk.restore();
        // What cleans up after the run may fail silently; all else must not.
        if (error === undefined) expect(savedStep).toBe(2);
        const healthy = faultyDisk('crash', Number.POSITIVE_INFINITY); // but does without fsync
        const resumed = into(path, { resume: true });
        const { resumedFrom } = await resumed.finally(healthy.restore);
        expect(resumedFrom).toBeGreaterThanOrEqual(savedStep);
        expect(await outcome(path, 2)).toEqual(whole);
      });
    }
  }, 60_000);

  test('full at each of them: DISK_FULL, and the last checkpoint is whole', async () => {
    const changes = await countChanges();
    const whole = await expected();
    let refused = 0;
    for (let at = 1; at <= changes; at++) {
      await inFolder(`full-${at}`, async (path) => {
        let savedStep = 0;
        const onProgress: Options['onProgress'] = ({ checkpoint, step }) => {
          if (checkpoint !== undefined) savedStep = step;
        };
        const disk = faultyDisk('full', at);
        const error = await into(path, { onProgress }).then(
          () => undefined,
          (error: Error) => error,
        );
        disk.restore();
        if (error !== undefined) {
          expect(error).toMatchObject({ code: 'DISK_FULL' });
          refused++;
        }
        if (savedStep > 0) {
          const model = await TinyModel.load(join(path, `checkpoint-${savedStep}`));
          model.dispose();
        }
        const healthy = faultyDisk('crash', Number.POSITIVE_INFINITY); // but does without fsync
        const resumed = into(path, { resume: true });
        const { resumedFrom } = await resumed.finally(healthy.restore);
        expect(resumedFrom).toBeGreaterThanOrEqual(savedStep);
        expect(await outcome(path, 2)).toEqual(whole);
      });
    }
    expect(refused).toBeGreaterThan(10);
  }, 60_000);
});

describe('refuses', () => {
  test('to begin in a folder with checkpoints', async () => {
    await run({ steps: 3 });
    await expect(run()).rejects.toMatchObject({
      code: 'CHECKPOINTS_EXIST',
      message: expect.stringContaining('resume: true'),
    });
  });

  test.each<[string, Options]>([
    ['seed was 5 and is 6', { seed: 6 }],
    ['batchSize was 4 and is 8', { batchSize: 8 }],
    ['gradientAccumulationSteps was 2 and is 1', { gradientAccumulationSteps: 1 }],
    ['shuffle was true and is false', { shuffle: false }],
    ['maxGradNorm was 1 and is null', { maxGradNorm: Number.POSITIVE_INFINITY }],
    [
      'unclipped was null and is ["embedding.weight"]',
      { clips: (key) => key !== 'embedding.weight' },
    ],
    ['optimizer.name was "AdamW" and is "SGD"', { optimizer: sgd() }],
    ['optimizer.weightDecay was 0.01 and is 0', { optimizer: adamW({ weightDecay: 0 }) }],
    [
      'schedule.name was "linear" and is "constant"',
      { schedule: constantSchedule({ learningRate: 0.03 }) },
    ],
    ['examples was 23 and is 22', { dataset: sentences.slice(1) }],
    ['data was', { dataset: sentences.with(11, [1, 2, 3, 4, 5, 6, 7]) }],
    ['data was', { collate: (examples, randoms) => collate(examples, [...randoms].reverse()) }],
    ['8 and the run has 7 steps', { steps: 7 }],
  ])('to resume where %s', async (difference, changes) => {
    await run();
    const before = await outcome();
    await expect(run({ ...changes, resume: true })).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringContaining(difference.replace('8 and', 'is of step 8, and')),
    });
    expect(await outcome()).toEqual(before);
  });

  test('to resume another model', async () => {
    await run({ steps: 3 });
    const model = new TinyModel();
    model.parameters.get('decoder.bias')!.trainable = false;
    await expect(run({ model, resume: true })).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringContaining('model was'),
    });
    model.dispose();
  });

  test('weights or an optimizer that are not of this model, touching nothing', async () => {
    await run({ steps: 3 });
    const at = (name: string) => join(folder, 'checkpoint-3', name);
    const optimizer = await readFile(at('optimizer.safetensors'));
    const weights = await readFile(at('model.safetensors'));
    const spoiled = (bytes: Buffer, from: string, to: string) =>
      Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');

    await writeFile(at('model.safetensors'), spoiled(weights, 'unused.bias', 'abused.bias'));
    await expect(run({ resume: true })).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringContaining('unused.bias'),
    });
    await writeFile(at('model.safetensors'), weights);
    await writeFile(
      at('optimizer.safetensors'),
      spoiled(optimizer, 'exp_avg.decoder.bias', 'exp_avg.decoder.tail'),
    );
    await expect(run({ resume: true })).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringContaining('exp_avg.decoder.tail'),
    });
    await rm(at('optimizer.safetensors'));
    await expect(run({ resume: true })).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringContaining('optimizer.safetensors'),
    });
  });

  test('checkpoints of a model that cannot be saved, and senseless numbers', async () => {
    const bad = (changes: Options) =>
      expect(run(changes)).rejects.toMatchObject({ code: 'BAD_OPTION' });
    await bad({ checkpoints: { folder, every: 0 } });
    await bad({ checkpoints: { folder, every: 1, keep: 0 } });
    await bad({ checkpoints: { folder: '', every: 1 } });
    await bad({ checkpoints: { folder: 'https://example.org/run', every: 1 } });
    const { parameters, config } = new TinyModel();
    await bad({
      model: { parameters, config, dispose: () => {}, forward: () => ({ dispose: () => {} }) },
    });
  });
});

test('a folder of that name that is no checkpoint is not taken for one, nor touched', async () => {
  const path = join(folder, 'checkpoint-6');
  await mkdir(path);
  await writeFile(join(path, 'notes.txt'), 'mine');
  await run({ steps: 4 });
  expect((await run({ resume: true, steps: 5 })).resumedFrom).toBe(4);
  expect(await readFile(join(path, 'notes.txt'), 'utf8')).toBe('mine');
});
