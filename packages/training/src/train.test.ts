import { describe, expect, test } from '@jest/globals';
import type { Random } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { numTensors, onEachBackend } from '../test/support.js';
import { collate, sentences, type TinyBatch, TinyModel } from '../test/tiny-model.js';
import { evaluate } from './evaluate.js';
import { constantSchedule } from './schedules.js';
import { sgd } from './sgd.js';
import { type TrainingProgress, type TrainOptions, train } from './train.js';

type Options = TrainOptions<number[], TinyBatch>;

const options = {
  dataset: sentences,
  collate,
  schedule: constantSchedule({ learningRate: 0.03 }),
  steps: 12,
  batchSize: 4,
  seed: 5,
};

/** Trains a fresh model; its weights afterwards, and what was reported. */
async function run(changes: Partial<Options> = {}, rate = 0.1) {
  const model = new TinyModel(undefined, rate);
  const reports: TrainingProgress[] = [];
  try {
    const summary = await train({
      model,
      onProgress: (progress) => reports.push(progress),
      ...options,
      ...changes,
    });
    return { weights: weightsOf(model), reports, summary };
  } finally {
    model.dispose();
  }
}

const weightsOf = (model: TinyModel) =>
  Object.fromEntries([...model.parameters].map(([k, p]) => [k, Array.from(p.value.dataSync())]));

const largestDifference = (a: Record<string, number[]>, b: Record<string, number[]>) =>
  Math.max(...Object.keys(a).flatMap((key) => a[key]!.map((x, i) => Math.abs(x - b[key]![i]!))));

onEachBackend(() => {
  test('the model learns, and the loss it reports falls', async () => {
    const { reports, summary } = await run({ steps: 300 });
    expect(reports[0]!.loss).toBeGreaterThan(2.4); // ln 13 = 2.56
    expect(summary.log.at(-1)!.loss).toBeLessThan(0.5);
  });

  test('no tensor stays over 100 steps, and the heap is flat', async () => {
    const model = new TinyModel();
    const counts: number[] = [];
    const bytes: number[] = [];
    const before = numTensors();
    const onProgress = () => {
      counts.push(numTensors());
      bytes.push(tf.memory().numBytes);
    };
    const accumulated = { batchSize: 2, gradientAccumulationSteps: 2 };
    await train({ model, ...options, ...accumulated, steps: 103, onProgress });
    expect(new Set(counts.slice(3)).size).toBe(1);
    expect(new Set(bytes.slice(3)).size).toBe(1);
    expect(numTensors()).toBe(before);
    model.dispose();
  });

  test('the same seed gives the same weights to the bit; another one gives others', async () => {
    const first = await run();
    expect((await run()).weights).toEqual(first.weights);
    expect((await run({ seed: 6 })).weights).not.toEqual(first.weights);
  });
});

describe('gradient accumulation', () => {
  test('weighs each pass by its labels, so a cut batch learns as a whole one does', async () => {
    const whole = await run({ steps: 5 }, 0);
    const cut = await run({ steps: 5, batchSize: 1, gradientAccumulationSteps: 4 }, 0);
    const losses = (reports: TrainingProgress[]) => reports.map(({ loss }) => loss);
    losses(cut.reports).forEach((loss, i) => {
      expect(loss).toBeCloseTo(losses(whole.reports)[i]!, 5);
    });
    expect(largestDifference(cut.weights, whole.weights)).toBeLessThan(1e-5);
  });

  test('passes without a label count for nothing, and a step of them changes nothing', async () => {
    const model = new TinyModel(undefined, 0);
    const before = weightsOf(model);
    const dataset = [[1, 2, 3]];
    const reports: TrainingProgress[] = [];
    let labelled = false;
    const mostlyEmpty = (examples: readonly number[][]): TinyBatch => ({
      inputIds: examples.map((words) => words.slice(0, 2)),
      labels: examples.map((words) => (labelled ? words.slice(1) : [-100, -100])),
    });
    const common = { ...options, model, dataset, collate: mostlyEmpty, batchSize: 1 };
    await train({ ...common, steps: 1, onProgress: (p) => reports.push(p) });
    expect(reports[0]).toMatchObject({ loss: Number.NaN, gradNorm: 0 });
    expect(weightsOf(model)).toEqual(before);
    labelled = true;
    const every: TrainOptions<number[], TinyBatch>['collate'] = (examples) => {
      labelled = !labelled;
      return mostlyEmpty(examples);
    };
    await train({ ...common, collate: every, steps: 1, gradientAccumulationSteps: 2 });
    expect(Object.values(weightsOf(model)).flat().every(Number.isFinite)).toBe(true);
    expect(weightsOf(model)).not.toEqual(before);
    model.dispose();
  });
});

test('gradients that are not to be clipped are not, and are no part of the norm', async () => {
  const model = new TinyModel(undefined, 0);
  const before = weightsOf(model);
  const norms: number[] = [];
  // Gradients of 1 each: of the embedding 13 × 6, of the decoder 13 × 6 + 13.
  const { embedding, decoder } = model;
  const loss = () =>
    [embedding.weight, decoder.weight, decoder.bias!]
      .map(({ value }) => tf.sum(value))
      .reduce((a, b) => tf.add(a, b));
  const rest = { schedule: constantSchedule({ learningRate: 1 }), optimizer: sgd(), steps: 1 };
  await train({
    ...{ ...options, ...rest, model, loss, maxGradNorm: 0.5 },
    clips: (key, shape) => !key.startsWith('embedding') && shape.length > 0,
    onProgress: ({ gradNorm }) => norms.push(gradNorm),
  });
  expect(norms[0]).toBeCloseTo(Math.sqrt(91), 6);
  const after = weightsOf(model);
  const moved = (key: string) => before[key]!.map((value, i) => value - after[key]![i]!);
  for (const change of moved('embedding.weight')) expect(change).toBeCloseTo(1, 5);
  for (const change of [...moved('decoder.weight'), ...moved('decoder.bias')]) {
    expect(change).toBeCloseTo(0.5 / Math.sqrt(91), 5);
  }
  model.dispose();
});

test('reports what a progress bar needs', async () => {
  const { reports, summary } = await run({ steps: 6 });
  expect(reports.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  for (const { step, steps, epoch, learningRate, gradNorm, tokens, ...rest } of reports) {
    expect(steps).toBe(6);
    expect(epoch).toBeCloseTo((4 * step) / 23, 12);
    expect(learningRate).toBe(0.03);
    expect(gradNorm).toBeGreaterThan(0);
    expect([12, 18, 24]).toContain(tokens);
    expect(rest.tokensPerSecond).toBeGreaterThan(0);
    expect(rest.seconds).toBeGreaterThan(0);
  }
  expect(summary).toMatchObject({ steps: 6, resumedFrom: 0 });
});

test('the log has the mean loss of each stretch, and of the rest at the end', async () => {
  const { reports, summary } = await run({ steps: 7, logEvery: 3 });
  const mean = (from: number, to: number) =>
    reports.slice(from, to).reduce((sum, { loss }) => sum + loss, 0) / (to - from);
  expect(summary.log.map(({ step, loss }) => [step, loss])).toEqual([
    [3, mean(0, 3)],
    [6, mean(3, 6)],
    [7, mean(6, 7)],
  ]);
});

test('measures every so many steps and at the end, and says so', async () => {
  const measured: number[] = [];
  const { reports, summary } = await run({
    steps: 5,
    evaluation: {
      every: 2,
      evaluate: async ({ step }) => {
        measured.push(step);
        return { loss: step / 10 };
      },
    },
  });
  expect(measured).toEqual([2, 4, 5]);
  expect(reports.map(({ evaluation }) => evaluation?.loss)).toEqual([
    undefined,
    0.2,
    undefined,
    0.4,
    0.5,
  ]);
  expect(summary.evaluation).toEqual({ loss: 0.5 });
  expect(summary.log.filter(({ evalLoss }) => evalLoss !== undefined)).toEqual([
    { step: 2, epoch: 8 / 23, evalLoss: 0.2 },
    { step: 4, epoch: 16 / 23, evalLoss: 0.4 },
    { step: 5, epoch: 20 / 23, evalLoss: 0.5 },
  ]);
});

test('frozen parameters stay as they are', async () => {
  const model = new TinyModel();
  const before = weightsOf(model);
  for (const [key, parameter] of model.parameters)
    parameter.trainable = !key.startsWith('embedding');
  await train({ ...options, model });
  const after = weightsOf(model);
  expect(after['embedding.weight']).toEqual(before['embedding.weight']);
  expect(after['decoder.weight']).not.toEqual(before['decoder.weight']);
  expect(after['unused.weight']).toEqual(before['unused.weight']);
  model.dispose();
});

test("a loss of one's own takes the place of the model's", async () => {
  const model = new TinyModel();
  const seen: Random[] = [];
  const loss = (_: TinyBatch, random: Random) => {
    seen.push(random);
    return tf.sum(tf.square(model.decoder.bias!.value));
  };
  model.decoder.bias!.assign(tf.fill([13], 1));
  const { log } = await train({ ...options, model, loss, logEvery: 1 });
  expect(log[0]!.loss).toBe(13);
  expect(log.at(-1)!.loss).toBeLessThan(13);
  expect(seen).toHaveLength(12);
  model.dispose();
});

test('tensors that a collator puts in a batch are freed', async () => {
  const before = numTensors();
  const inTensors = (examples: readonly number[][], randoms: readonly Random[]) => {
    const { inputIds, labels } = collate(examples, randoms);
    return { inputIds, labels, weights: tf.ones([3]) };
  };
  const { weights } = await run({ collate: inTensors });
  expect(numTensors()).toBe(before);
  expect(weights).toEqual((await run()).weights);
});

describe('an abort', () => {
  test('ends the run after the step, with the reason as cause', async () => {
    const before = numTensors();
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = ({ step }: TrainingProgress) => step === 3 && controller.abort(reason);
    await expect(run({ onProgress, signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('after step 3 of 12'),
      cause: reason,
    });
    expect(numTensors()).toBe(before);
  });

  test('by a timer comes through: the event loop turns between steps', async () => {
    const signal = AbortSignal.timeout(30);
    await expect(run({ steps: 1e9, signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('before the start does nothing at all', async () => {
    const collated = () => {
      throw new Error('collated');
    };
    await expect(run({ signal: AbortSignal.abort(), collate: collated })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  test('an error of the evaluation is no abort', async () => {
    const evaluation = { every: 1, evaluate: () => Promise.reject(new Error('broken')) };
    await expect(run({ evaluation })).rejects.toThrow('broken');
  });
});

describe('what goes wrong leaves the weights of the last good step and no tensors:', () => {
  const failing = async (changes: Partial<Options>, model = new TinyModel(undefined, 0)) => {
    const before = numTensors();
    const weights: Record<number, Record<string, number[]>> = { 0: weightsOf(model) };
    const onProgress = ({ step }: TrainingProgress) => {
      weights[step] = weightsOf(model);
    };
    const error = await train({ model, ...options, onProgress, ...changes }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(numTensors()).toBe(before);
    const last = Math.max(...Object.keys(weights).map(Number));
    expect(weightsOf(model)).toEqual(weights[last]);
    model.dispose();
    return { error, last };
  };

  test('a loss that is NaN', async () => {
    let calls = 0;
    const model = new TinyModel(undefined, 0);
    const loss = () => tf.mul(tf.sum(model.decoder.weight.value), ++calls > 2 ? Number.NaN : 1);
    const { error, last } = await failing({ loss }, model);
    expect(error).toMatchObject({
      code: 'NON_FINITE_LOSS',
      message: expect.stringContaining('step 3 is NaN'),
    });
    expect(last).toBe(2);
  });

  test.each([
    ['', undefined],
    [', though it is not clipped', () => false],
  ])('a gradient that is infinite while the loss is not%s', async (_, clips) => {
    const model = new TinyModel(undefined, 0);
    const loss = () => tf.sum(tf.sqrt(tf.square(tf.mul(0, model.decoder.weight.value))));
    const { error, last } = await failing({ loss, ...(clips && { clips }) }, model);
    expect(error).toMatchObject({
      code: 'NON_FINITE_GRADIENT',
      message: expect.stringContaining('decoder.weight'),
    });
    expect(last).toBe(0);
  });

  test('a forward pass that throws in the second of two passes', async () => {
    const model = new TinyModel(undefined, 0);
    let calls = 0;
    const loss = () => {
      if (++calls === 4) throw new Error('broken');
      return tf.sum(tf.square(model.decoder.weight.value));
    };
    const { error, last } = await failing({ loss, gradientAccumulationSteps: 2 }, model);
    expect(error).toMatchObject({ message: 'broken' });
    expect(last).toBe(1);
  });

  test('a batch without labels', async () => {
    const forward = () => ({ dispose: () => {} });
    const model = Object.assign(new TinyModel(undefined, 0), { forward }) as unknown as TinyModel;
    const { error } = await failing({}, model);
    expect(error).toMatchObject({ code: 'BAD_BATCH' });
  });
});

describe('refuses', () => {
  test.each<[string, Partial<Options>]>([
    ['steps', { steps: 0 }],
    ['batchSize', { batchSize: 1.5 }],
    ['gradientAccumulationSteps', { gradientAccumulationSteps: 0 }],
    ['maxGradNorm', { maxGradNorm: 0 }],
    ['logEvery', { logEvery: -1 }],
    ['evaluation.every', { evaluation: { every: 0, evaluate: async () => ({}) } }],
    ['resume', { resume: true }],
    ['length', { dataset: [] }],
  ])('a senseless %s', async (name, changes) => {
    await expect(run(changes)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining(name),
    });
  });

  test('a model with nothing to train', async () => {
    const model = new TinyModel();
    for (const parameter of model.parameters.values()) parameter.trainable = false;
    await expect(train({ ...options, model })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    model.dispose();
  });
});

describe('evaluate', () => {
  const fixed = { dataset: sentences, collate };

  test('gives the mean over labels, whatever the batch size, and frees all', async () => {
    const model = new TinyModel();
    const before = numTensors();
    const whole = await evaluate({ ...fixed, model, batchSize: 23, seed: 3 });
    const parts = await evaluate({ ...fixed, model, batchSize: 4, seed: 3 });
    expect(parts.labels).toBe(whole.labels);
    expect(parts.loss).toBeCloseTo(whole.loss, 6);
    expect(parts.accuracy).toBe(whole.accuracy);
    expect(whole.perplexity).toBe(Math.exp(whole.loss));
    expect(numTensors()).toBe(before);
    model.dispose();
  });

  test('counts a right guess as right: a model that knows and one that errs', async () => {
    const model = new TinyModel();
    const knows = (shift: number) => {
      const oneHot = (word: number) => Array.from({ length: 13 }, (_, w) => Number(w === word));
      return {
        ...model,
        parameters: model.parameters,
        config: model.config,
        dispose: () => {},
        forward: ({ inputIds }: TinyBatch) => {
          const guesses = inputIds.map((row) => row.map((w) => oneHot((5 * w + 1 + shift) % 13)));
          const logits = tf.tensor(guesses);
          const loss = tf.scalar(0.5);
          return { loss, logits, dispose: () => tf.dispose([loss, logits]) };
        },
      };
    };
    const before = numTensors();
    const right = await evaluate({ ...fixed, model: knows(0), batchSize: 5 });
    const wrong = await evaluate({ ...fixed, model: knows(1), batchSize: 5 });
    expect([right.accuracy, wrong.accuracy]).toEqual([1, 0]);
    expect(right.loss).toBeCloseTo(0.5, 12);
    const skipped = await evaluate({ ...fixed, model: knows(0), batchSize: 5, accuracy: false });
    expect(skipped).not.toHaveProperty('accuracy');

    // A causal model is given the words themselves as labels, and shifts them itself.
    const causal = (examples: readonly number[][]) => ({
      inputIds: examples.map((words) => words.slice(0, 4)),
      labels: examples.map((words) => words.slice(0, 4)),
    });
    const asked = { ...fixed, collate: causal, batchSize: 5, model: knows(0) };
    expect(await evaluate({ ...asked, causal: true })).toMatchObject({
      accuracy: 1,
      labels: 23 * 3,
    });
    expect((await evaluate(asked)).accuracy).toBeLessThan(0.5);
    expect(numTensors()).toBe(before);
    model.dispose();
  });

  test('stops after so many batches, reports them, and asks the same each time', async () => {
    const model = new TinyModel();
    const seen: number[] = [];
    const onProgress = ({ batch, batches }: { batch: number; batches: number }) =>
      seen.push(batch, batches);
    const twice = { ...fixed, model, batchSize: 2, batches: 3, onProgress };
    const first = await evaluate(twice);
    expect(seen).toEqual([1, 3, 2, 3, 3, 3]);
    expect(await evaluate(twice)).toEqual(first);
    expect(await evaluate({ ...twice, seed: 9 })).not.toEqual(first);
    model.dispose();
  });

  test('does no dropout', async () => {
    const [sure, dropping] = [new TinyModel(undefined, 0), new TinyModel(undefined, 0.5)];
    const of = (model: TinyModel) => evaluate({ ...fixed, model, batchSize: 8 });
    expect(await of(dropping)).toEqual(await of(sure));
    sure.dispose();
    dropping.dispose();
  });

  test('is aborted, and has nothing to say without labels', async () => {
    const model = new TinyModel();
    const asked = { ...fixed, model, batchSize: 8 };
    await expect(evaluate({ ...asked, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await expect(evaluate({ ...asked, dataset: [] })).rejects.toMatchObject({ code: 'BAD_BATCH' });
    await expect(evaluate({ ...asked, batchSize: 0 })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
    model.dispose();
  });
});
