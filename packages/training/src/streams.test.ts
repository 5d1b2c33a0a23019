import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Weights } from '@multihead/nn';
import { TransfoXLConfig, TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { constantSchedule, evaluateStreams, ParallelStreams, sgd, trainStreams } from './index.js';

const rows = (segment: { inputIds: Int32Array[]; targets: Int32Array[] } | undefined) =>
  segment && [segment.inputIds, segment.targets].map((all) => all.map((row) => [...row]));
const upTo = (length: number) => Array.from({ length }, (_, i) => i);

describe('ParallelStreams', () => {
  test('are parts of the text, in segments that follow each other', () => {
    const streams = new ParallelStreams(upTo(15), { batchSize: 2, segmentLength: 4 });
    expect(streams.length).toBe(2);
    expect([...streams].map(rows)).toEqual([
      [[[0, 1, 2, 3], [7, 8, 9, 10]], [[1, 2, 3, 4], [8, 9, 10, 11]]], // biome-ignore format: rows
      [[[4, 5], [11, 12]], [[5, 6], [12, 13]]], // biome-ignore format: rows
    ]);
    expect([...streams].map(({ isFirst }) => isFirst)).toEqual([true, false]);
    expect(streams.at(2)).toBeUndefined();
  });

  test('begin with what was before, where the context is extended', () => {
    const options = { batchSize: 1, segmentLength: 3, extLen: 2 };
    expect([...new ParallelStreams(upTo(8), options)].map(rows)).toEqual([
      [[[0, 1, 2]], [[1, 2, 3]]],
      [[[1, 2, 3, 4, 5]], [[4, 5, 6]]],
      [[[4, 5, 6]], [[7]]],
    ]);
  });

  test('of drawn lengths foretell each token once, and are the same for a seed', () => {
    const drawn = (seed: number) => {
      const options = { batchSize: 1, segmentLength: 20, variableLength: true, seed };
      return [...new ParallelStreams(upTo(4000), options)].map(({ targets }) => targets[0]!);
    };
    const lengths = drawn(1).map(({ length }) => length);
    expect(drawn(1).flatMap((row) => [...row])).toEqual(upTo(4000).slice(1));
    expect(drawn(2).map(({ length }) => length)).not.toEqual(lengths);
    expect(drawn(1).map(({ length }) => length)).toEqual(lengths);
    const mean = lengths.reduce((a, b) => a + b) / lengths.length;
    expect(Math.abs(mean - 19.5)).toBeLessThan(1.5);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(35);
    expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(5);
    expect(new Set(lengths).size).toBeGreaterThan(10);
  });

  test('of drawn lengths are others in each epoch, which follow from seed and epoch alone', () => {
    const options = { batchSize: 2, segmentLength: 20, variableLength: true, seed: 4 };
    const [streams, again] = [upTo(3000), upTo(3000)].map(
      (ids) => new ParallelStreams(ids, options),
    );
    const epoch = (of: ParallelStreams, number: number) =>
      Array.from({ length: of.lengthOf(number) }, (_, i) => of.at(i, number)!);
    const lengths = (number: number) =>
      epoch(streams!, number).map(({ targets }) => targets[0]!.length);
    const drawn = [0, 1, 2].map(lengths);
    for (const [number, one] of drawn.entries()) {
      expect(one.reduce((a, b) => a + b)).toBe(1499);
      expect(epoch(streams!, number).flatMap(({ targets }) => [...targets[0]!])).toEqual(
        upTo(1500).slice(1),
      );
      expect(
        epoch(streams!, number)
          .map(({ isFirst }) => isFirst)
          .indexOf(true, 1),
      ).toBe(-1);
    }
    expect(new Set(drawn.map(String)).size).toBe(3);
    expect(epoch(again!, 2)).toEqual(epoch(streams!, 2)); // without those before
    expect(streams!.length).toBe(drawn[0]!.length);
    expect(streams!.at(drawn[1]!.length, 1)).toBeUndefined();
  });

  test('of a text that is too short, or of lengths that are none, are refused', () => {
    const create = (length: number, options: object) => () =>
      new ParallelStreams(upTo(length), { batchSize: 2, segmentLength: 4, ...options });
    for (const wrong of [
      create(3, {}),
      create(9, { batchSize: 0 }),
      create(9, { segmentLength: 1.5 }),
      create(9, { extLen: -1 }),
    ]) {
      expect(wrong).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    }
  });

  test.each([Number.NaN, 1.5, 2 ** 32])('an id of %d is refused, not made another token', (id) => {
    const create = () => new ParallelStreams([1, 2, id, 4], { batchSize: 1, segmentLength: 2 });
    expect(create).toThrow(`ParallelStreams: ids[2] is ${id}, which is no token's id.`);
  });
});

const config = {
  ...{ vocabSize: 12, dModel: 8, dEmbed: 8, nHead: 2, dHead: 4, dInner: 12, nLayer: 2 },
  ...{ memLen: 6, sameLength: false, emptyStart: true, dropout: 0.1, dropatt: 0.1, initStd: 0.1 },
};
const build = (fields = {}) =>
  new TransfoXLLMHeadModel(new TransfoXLConfig({ ...config, ...fields }), new Weights({ seed: 3 }));
/** A text whose every token says what comes seven tokens on. */
const text = upTo(300).map((i) => ((i % 7) * 5 + 3 * (i % 2)) % 12);

describe('trainStreams', () => {
  let folder: string;
  beforeAll(async () => void (await useWasm()));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'multihead-streams-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const streams = () => new ParallelStreams(text, { batchSize: 3, segmentLength: 5 });
  const runOf = (model: TransfoXLLMHeadModel, steps: number, options: object = {}) =>
    trainStreams({
      model,
      streams: streams(),
      schedule: constantSchedule({ learningRate: 0.01 }),
      steps,
      logEvery: 5,
      ...options,
    });
  const weightsOf = (model: TransfoXLLMHeadModel) =>
    [...model.parameters].map(([key, { value }]) => [key, [...value.dataSync()]] as const);

  test('a model learns, with the memory of the segment before, and leaves nothing behind', async () => {
    const model = build();
    const before = tf.memory().numTensors;
    const { log, epoch } = await runOf(model, 100);
    expect(epoch).toBeCloseTo(100 / streams().length, 6);
    expect(log.at(-1)!.loss!).toBeLessThan(0.5 * log[0]!.loss!);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test('a softmax that is sampled in training learns to foretell among all words', async () => {
    const model = build({ sampleSoftmax: 2 });
    const measured = () => evaluateStreams({ model, ids: text, segmentLength: 5, batchSize: 3 });
    const before = await measured();
    const numTensors = tf.memory().numTensors;
    await runOf(model, 100);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect((await measured()).loss).toBeLessThan(0.5 * before.loss);
    model.dispose();
  });

  test('what is learnt depends on the memory', async () => {
    const [carried, alone] = [build(), build({ memLen: 0 })];
    await runOf(carried, 8);
    await runOf(alone, 8);
    expect(weightsOf(carried)).not.toEqual(weightsOf(alone));
    for (const model of [carried, alone]) model.dispose();
  });

  test.each([
    ['segments all alike', {}, {}],
    ['segments drawn anew in each epoch', { variableLength: true }, {}],
    ['words drawn anew in each pass', {}, { sampleSoftmax: 3 }],
  ])('a run in two sittings ends as one does, to the bit, %s', async (_, drawn, fields) => {
    const [whole, cut, again] = [build(fields), build(fields), build(fields)];
    const sizes = { batchSize: 15, segmentLength: 5, ...drawn }; // the epoch is over in step 4 or so
    const run = (model: TransfoXLLMHeadModel, steps: number, options: object = {}) =>
      runOf(model, steps, { streams: new ParallelStreams(text, sizes), ...options });
    const { log, epoch } = await run(whole, 27);
    expect(epoch).toBeGreaterThan(5);
    const checkpoints = { folder, every: 100 };
    const controller = new AbortController();
    const first = run(cut, 27, {
      checkpoints,
      signal: controller.signal,
      onProgress: ({ step }: { step: number }) => void (step === 11 && controller.abort()),
    });
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
    const summary = await run(again, 27, { checkpoints, resume: true });
    expect(summary).toMatchObject({ resumedFrom: 11, log, epoch });
    expect(weightsOf(again)).toEqual(weightsOf(whole));

    await rm(join(folder, 'checkpoint-27', 'memories.safetensors'));
    await expect(run(again, 30, { checkpoints, resume: true })).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
    });
    for (const model of [whole, cut, again]) model.dispose();
  });

  const inGroups = { batchSize: 6, segmentLength: 5, variableLength: true };
  const inGroupsOf = (passes: number, options: object = {}) => ({
    streams: new ParallelStreams(text, inGroups),
    gradientAccumulationSteps: passes,
    ...options,
  });

  test.each([2, 3, 6])(
    '%i groups of streams one after another learn as all at once do',
    async (passes) => {
      const plain = { dropout: 0, dropatt: 0 };
      const [whole, cut] = [build(plain), build(plain)];
      const before = tf.memory().numTensors;
      const schedule = constantSchedule({ learningRate: 0.1 });
      const rest = { schedule, optimizer: sgd({ momentum: 0.5 }), logEvery: 1 };
      const steps = 25; // some epochs
      const expected = await runOf(whole, steps, inGroupsOf(1, rest));
      const { log, epoch } = await runOf(cut, steps, inGroupsOf(passes, rest));
      expect(epoch).toBe(expected.epoch);
      expect(epoch).toBeGreaterThan(1.5);
      log.forEach(({ loss, gradNorm }, i) => {
        // Kernels add up in another order for other batches, and 25 steps of rounding add up, too.
        const room = i === 0 ? 1e-6 : 1e-5;
        expect(Math.abs(loss! - expected.log[i]!.loss!)).toBeLessThan(room);
        expect(Math.abs(gradNorm! / expected.log[i]!.gradNorm! - 1)).toBeLessThan(room);
      });
      expect(log.at(-1)!.loss).toBeLessThan(log[0]!.loss! - 0.1);
      const wanted = new Map(weightsOf(whole));
      for (const [key, values] of weightsOf(cut)) {
        const far = values.map((value, i) => Math.abs(value - wanted.get(key)![i]!));
        expect(Math.max(...far)).toBeLessThan(1e-5);
      }
      expect(tf.memory().numTensors).toBe(before);
      for (const model of [whole, cut]) model.dispose();
    },
  );

  test.each([
    ['between two groups of a step', 1],
    ['in the last group of one', 0],
  ])('stopped %s, a run goes on as if it had not been', async (_, within) => {
    const [whole, cut, again] = [build(), build(), build()];
    const { log } = await runOf(whole, 14, inGroupsOf(3));
    const checkpoints = { folder, every: 100 };
    const controller = new AbortController();
    const forward = cut.forward.bind(cut);
    let passes = 0;
    cut.forward = ((...given: Parameters<typeof forward>) => {
      if (++passes === 3 * 9 + within) controller.abort();
      return forward(...given);
    }) as typeof cut.forward;
    const before = tf.memory().numTensors;
    const first = runOf(cut, 14, inGroupsOf(3, { checkpoints, signal: controller.signal }));
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
    expect(tf.memory().numTensors).toBe(before);
    expect(passes).toBe(27 + within);
    const resumed = await runOf(again, 14, inGroupsOf(3, { checkpoints, resume: true }));
    expect(resumed).toMatchObject({ resumedFrom: 9, log });
    expect(weightsOf(again)).toEqual(weightsOf(whole));
    for (const passes of [1, 2]) {
      const other = runOf(again, 20, inGroupsOf(passes, { checkpoints, resume: true }));
      await expect(other).rejects.toMatchObject({ code: 'RESUME_MISMATCH' });
    }
    for (const model of [whole, cut, again]) model.dispose();
  });

  test.each([4, 0, 1.5])('6 streams are not cut into %p groups', async (passes) => {
    const model = build();
    await expect(runOf(model, 2, inGroupsOf(passes))).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('gradientAccumulationSteps'),
    });
    model.dispose();
  });

  test('the memory leaves out what the streams repeat, whatever the configuration says', async () => {
    const repeating = new ParallelStreams(text, { batchSize: 3, segmentLength: 5, extLen: 2 });
    const weights = [];
    for (const extLen of [0, 2, 4]) {
      const model = build({ extLen });
      await runOf(model, 4, { streams: repeating });
      weights.push(weightsOf(model));
      model.dispose();
    }
    expect(weights[0]).toEqual(weights[1]);
    expect(weights[2]).toEqual(weights[1]);
  });

  test('files beside the model are written too; streams of another size are another run', async () => {
    const model = build();
    await runOf(model, 2, { checkpoints: { folder, every: 2, files: { 'a.txt': 'b' } } });
    expect(await readFile(join(folder, 'checkpoint-2', 'a.txt'), 'utf8')).toBe('b');
    const other = new ParallelStreams(text, { batchSize: 2, segmentLength: 5 });
    const resumed = runOf(model, 4, {
      streams: other,
      checkpoints: { folder, every: 2 },
      resume: true,
    });
    await expect(resumed).rejects.toMatchObject({ code: 'RESUME_MISMATCH' });
    model.dispose();
  });
});

describe('evaluateStreams', () => {
  beforeAll(async () => void (await useWasm()));

  test('is what the segments’ losses say, however the text is cut, where the memory is long enough', async () => {
    const model = build({ memLen: 60, clampLen: 20 });
    const ids = text.slice(0, 50);
    const before = tf.memory().numTensors;
    const whole = model.forward(
      { inputIds: ids.slice(0, -1), targets: ids.slice(1) },
      { outputLogits: false },
    );
    const loss = whole.loss!.dataSync()[0]!;
    for (const segmentLength of [49, 7, 1]) {
      const measured = await evaluateStreams({ model, ids, segmentLength });
      expect(measured.tokens).toBe(49);
      expect(measured.loss).toBeCloseTo(loss, 5);
      expect(measured.perplexity).toBeCloseTo(Math.exp(loss), 4);
      expect(measured.bitsPerCharacter).toBeCloseTo(loss / Math.LN2, 5);
    }
    const { bitsPerCharacter } = await evaluateStreams({
      model,
      ids,
      segmentLength: 7,
      characters: 100,
    });
    expect(bitsPerCharacter).toBeCloseTo(loss / Math.LN2 / 2, 5);
    whole.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBeLessThan(before);
  });

  test('has lengths of its own for memory and segments, and parallel parts', async () => {
    const model = build();
    const measure = async (options: object) =>
      (await evaluateStreams({ model, ids: text, segmentLength: 4, ...options })).loss;
    const losses = [
      await measure({}),
      await measure({ memLen: 2 }),
      await measure({ memLen: 0 }),
      await measure({ extLen: 2 }),
      await measure({ memLen: 3, sameLength: true }),
      await measure({ clampLen: 1 }),
      await measure({ batchSize: 4 }),
    ];
    expect(new Set(losses).size).toBe(losses.length);
    for (const loss of losses) expect(loss).toBeGreaterThan(0);
    model.dispose();
  });

  test('repeats tokens only where it is told to, and remembers each of the others', async () => {
    const [model, extended] = [build(), build({ extLen: 3 })];
    const loss = async (model: TransfoXLLMHeadModel, options = {}) =>
      (await evaluateStreams({ model, ids: text, segmentLength: 5, ...options })).loss;
    expect(await loss(extended)).toBe(await loss(model));
    expect(await loss(extended, { extLen: 2 })).toBe(await loss(model, { extLen: 2 }));
    expect(await loss(extended)).not.toBe(await loss(model, { extLen: 2 }));
    for (const one of [model, extended]) one.dispose();
  });

  test('can be stopped, and refuses a text without characters', async () => {
    const model = build();
    const before = tf.memory().numTensors;
    const signal = AbortSignal.abort();
    await expect(
      evaluateStreams({ model, ids: text, segmentLength: 4, signal }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(
      evaluateStreams({ model, ids: text, segmentLength: 4, characters: 0 }),
    ).rejects.toMatchObject({ code: 'BAD_OPTION' });
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});
