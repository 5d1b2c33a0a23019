import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Random, valueAndGradients, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { TransfoXLConfig, TransfoXLLMHeadModel } from './index.js';

const tiny = {
  vocabSize: 9,
  dModel: 4,
  dEmbed: 4,
  nHead: 2,
  dHead: 2,
  dInner: 6,
  nLayer: 2,
  memLen: 5,
  sameLength: false,
};
const build = (fields: Partial<ConstructorParameters<typeof TransfoXLConfig>[0]> = {}) =>
  new TransfoXLLMHeadModel(new TransfoXLConfig({ ...tiny, ...fields }), new Weights({ seed: 1 }));

describe('memory', () => {
  let model: TransfoXLLMHeadModel;
  beforeAll(async () => {
    await useWasm();
    model = build();
  });
  afterAll(() => model.dispose());

  test('stays bounded over 10,000 segments', () => {
    const start = tf.memory().numTensors;
    const small = build({ nLayer: 1, memLen: 16 });
    const state = small.createState({ batch: 1 });
    const measured: { numTensors: number; numBytes: number }[] = [];
    const segments = [4, 7, 5, 8, 6].map((length) => Array.from({ length }, (_, i) => i));
    for (let i = 0; i < 10_000; i++) {
      small.step(segments[i % 5]!, state).dispose();
      if (i < 10) continue; // the memory is full after three
      const { numTensors, numBytes } = tf.memory();
      if (numTensors !== measured[0]?.numTensors || numBytes !== measured[0].numBytes) {
        measured.push({ numTensors, numBytes });
      }
    }
    expect(measured.length).toBe(1);
    expect(state.length).toBe(60_000);
    expect(state.remembered).toBe(16);
    state.dispose();
    small.dispose();
    expect(tf.memory().numTensors).toBe(start);
  });

  test('may hold 200,000 tokens', () => {
    const mems = model.initMems(1, 200_000);
    using outputs = model.forward(
      { inputIds: [3], mems },
      { memLen: 200_000, outputAttentions: true },
    );
    const weights = outputs.attentions![1]!;
    expect(weights.shape).toEqual([1, 2, 1, 200_001]);
    expect(weights.dataSync<'float32'>().reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(
      2,
      3,
    );
    tf.dispose(mems);
  });

  test('dropout is drawn for each distance by itself, clamped or not', () => {
    const one = build({ nLayer: 1, memLen: 16, clampLen: 1, dropout: 0.5, initStd: 1 });
    // Zeros are remembered, so that nothing but their distance sets their weights apart.
    const kinds = (random?: Random) => {
      using outputs = one.forward({ inputIds: [3] }, { outputAttentions: true, random });
      const weights = outputs.attentions![0]!.dataSync().subarray(0, 16);
      return new Set(Array.from(weights, (weight) => weight.toPrecision(4))).size;
    };
    expect(kinds()).toBe(1);
    expect(kinds(new Random(1))).toBeGreaterThan(4);
    one.dispose();
  });

  test('is carried by hand, and through training, and leaves nothing behind', () => {
    const start = tf.memory().numTensors;
    let mems = model.initMems(1, 0);
    for (let i = 0; i < 200; i++) {
      const { value, gradients } = valueAndGradients(model, () => {
        const inputs = { inputIds: [1, 2, 3], targets: [2, 3, i % 9], mems };
        const outputs = model.forward(inputs, { outputLogits: false });
        tf.dispose(mems);
        mems = outputs.mems!.map((mem) => tf.keep(tf.clone(mem)));
        return outputs.loss!;
      });
      tf.dispose([value, ...gradients.values()]);
      expect(mems[0]!.shape).toEqual([1, Math.min(3 * (i + 1), 5), 4]);
    }
    tf.dispose(mems);
    expect(tf.memory().numTensors).toBe(start);
  });

  test('no gradient flows into the segment before', () => {
    const [before, after] = [{ inputIds: [1, 2, 3] }, { inputIds: [4, 5], targets: [5, 6] }];
    const first = model.forward(before);
    const learnt = (mems: tf.Tensor[]) => {
      const { value, gradients } = valueAndGradients(
        model,
        () => model.forward({ ...after, mems }).loss!,
      );
      const table = gradients.get('transformer.word_emb.emb_layers.0.weight')!.dataSync().slice();
      tf.dispose([value, ...gradients.values()]);
      return table;
    };
    const remembered = learnt(first.mems!);
    const both = valueAndGradients(model, () => {
      const { mems } = model.forward(before);
      return model.forward({ ...after, mems }).loss!;
    });
    const through = both.gradients.get('transformer.word_emb.emb_layers.0.weight')!.dataSync();
    expect(Array.from(remembered)).toEqual(Array.from(through));
    tf.dispose([both.value, ...both.gradients.values()]);
    first.dispose();
  });

  test('is what the lengths of a pass say', () => {
    const shapes = (inputIds: number[], options: object, length?: number) => {
      const mems = length === undefined ? undefined : model.initMems(1, length);
      using outputs = model.forward({ inputIds, mems }, options);
      tf.dispose(mems ?? []);
      return outputs.mems?.map((mem) => mem.shape[1]);
    };
    expect(shapes([1, 2, 3], {})).toEqual([5, 5]);
    expect(shapes([1, 2, 3], {}, 0)).toEqual([3, 3]);
    expect(shapes([1, 2, 3], { memLen: 2 }, 0)).toEqual([2, 2]);
    expect(shapes([1, 2, 3], { memLen: 9 }, 1)).toEqual([4, 4]);
    expect(shapes([1, 2, 3], { extLen: 2 }, 0)).toEqual([1, 1]);
    expect(shapes([1, 2, 3], { extLen: 4 }, 0)).toEqual([0, 0]);
    expect(shapes([1, 2, 3], { extLen: 4 }, 2)).toEqual([2, 2]);
    expect(shapes([1, 2, 3], { memLen: 0 })).toBeUndefined();
    expect(shapes([1, 2, 3], { memLen: 4, clampLen: 2, sameLength: true })).toEqual([4, 4]);
  });

  test('memories of another model, batch or length are refused', () => {
    const mems = model.initMems(2, 3);
    const before = tf.memory().numTensors;
    const code = (inputs: object, options: object = {}) => {
      try {
        model.forward({ inputIds: [1, 2], ...inputs }, options).dispose();
      } catch (error) {
        return (error as { code?: string }).code;
      }
      return undefined;
    };
    expect(code({ mems })).toBe('WRONG_SHAPE');
    expect(code({ mems: mems.slice(1), inputIds: [[1], [2]] })).toBe('WRONG_SHAPE');
    expect(code({ mems: [], inputIds: [1] })).toBe('WRONG_SHAPE');
    expect(code({ targets: [[1], [2]] })).toBe('WRONG_SHAPE');
    expect(code({ targets: [1, 2, 3] })).toBe('WRONG_SHAPE');
    expect(code({ labels: [1, 2], targets: [1, 2] })).toBe('BAD_INPUT');
    expect(code({}, { memLen: -1 })).toBe('BAD_INPUT');
    expect(code({}, { extLen: 0.5 })).toBe('BAD_INPUT');
    expect(code({}, { memLen: 0, sameLength: true })).toBe('BAD_INPUT');
    expect(code({}, { outputLogits: false })).toBe('BAD_INPUT');
    expect(() => model.initMems(0)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    expect(() => model.createState({ batch: 3, mems })).toThrow(/for a batch of 3/);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(mems);
    expect(code({ mems, inputIds: [[1], [2]] })).toBe('DISPOSED');
  });

  test('a state goes on from memories it is given, and knows its end', () => {
    const mems = model.initMems(1, 0);
    using empty = model.createState({ batch: 1, mems, capacity: 3 });
    using first = model.step([1, 2], empty, { outputAttentions: true });
    expect(first.attentions![0]!.shape).toEqual([1, 2, 2, 2]);
    using zeros = model.createState({ batch: 1 });
    using second = model.step([1, 2], zeros, { outputAttentions: true });
    expect(second.attentions![0]!.shape).toEqual([1, 2, 2, 7]);
    expect(() => model.step([1, 2], empty)).toThrow(
      expect.objectContaining({ code: 'CONTEXT_EXCEEDED' }),
    );
    expect([empty.remembered, zeros.remembered]).toEqual([2, 5]);
    empty.dispose();
    expect(() => model.step([1], empty)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    tf.dispose(mems);
  });

  test('where it begins empty, padding on the left is not there at all', () => {
    const one = build({ memLen: 4, emptyStart: true });
    using padded = one.createState({ batch: 2, leftPadding: [3, 0] });
    using text = one.createState({ batch: 1 });
    expect(text.remembered).toBe(0);
    const steps = [
      [[0, 0, 0, 1], [5, 6, 7, 8]], // biome-ignore format: rows
      [[2], [1]],
      [
        [3, 4],
        [2, 3],
      ],
    ];
    for (const [i, rows] of steps.entries()) {
      const mine = rows[0]!.slice(i === 0 ? 3 : 0);
      using together = one.step(rows, padded);
      using single = one.step(mine, text);
      const values = together.logits.dataSync().subarray(0, 9);
      single.logits.dataSync().forEach((v, k) => {
        expect(values[k]).toBeCloseTo(v, 5);
      });
    }
    using outputs = one.forward({ inputIds: [1, 2] }, { outputAttentions: true });
    expect(outputs.attentions![0]!.shape).toEqual([1, 2, 2, 2]);
    one.dispose();
  });
});

test('positions that count from the end of a segment refuse padding behind texts', async () => {
  await useWasm();
  const model = build({ attnType: 2 });
  const forward = (attentionMask: number[][]) => () =>
    model.forward({ inputIds: [[1, 2], [3, 4]], attentionMask }).dispose(); // biome-ignore format: rows
  expect(forward([[1, 1], [1, 0]])).toThrow(/pad on the left/); // biome-ignore format: rows
  forward([[1, 1], [0, 1]])(); // biome-ignore format: rows
  model.dispose();
});

describe('bugs that other libraries had', () => {
  const folder = fileURLToPath(new URL('../fixtures/div-2', import.meta.url));
  let model: TransfoXLLMHeadModel;
  beforeAll(async () => {
    await useWasm();
    model = await TransfoXLLMHeadModel.fromPretrained(folder);
  });
  afterAll(() => model.dispose());
  const inputIds = [
    [1, 9, 20, 3, 4],
    [17, 2, 8, 23, 0],
  ];
  const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

  test('labels are shifted (transformers #3711)', () => {
    using shifted = model.forward({ inputIds, labels: inputIds });
    const targets = inputIds.map((row) => [...row.slice(1), -100]);
    using byHand = model.forward({ inputIds, targets });
    expect(values(shifted.loss!)[0]).toBeCloseTo(values(byHand.loss!)[0]!, 6);
    using copied = model.forward({ inputIds, targets: inputIds });
    expect(Math.abs(values(copied.loss!)[0]! - values(shifted.loss!)[0]!)).toBeGreaterThan(0.1);
  });

  test('the extended context is left out of the memory from the first segment on (#2970)', () => {
    const mems = model.initMems(2, 0);
    using outputs = model.forward({ inputIds, mems }, { extLen: 2, outputHiddenStates: true });
    const seen = tf.tidy(() => values(tf.slice(outputs.hiddenStates![0]!, [0, 0, 0], [2, 3, 12])));
    expect(outputs.mems![0]!.shape).toEqual([2, 3, 12]);
    expect(values(outputs.mems![0]!)).toEqual(seen);
    tf.dispose(mems);
  });

  test('the loss is one number, and each loss stands where its token does (#11822)', () => {
    using outputs = model.forward({ inputIds, labels: inputIds });
    expect(outputs.loss!.shape).toEqual([]);
    expect(outputs.losses!.shape).toEqual([2, 4]);
    const logits = outputs.logits.arraySync() as number[][][];
    const expected = inputIds.flatMap((row, b) =>
      row.slice(1).map((id, position) => -logits[b]![position]![id]!),
    );
    const losses = values(outputs.losses!);
    losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(expected[i]!, 5);
    });
    const mean = expected.reduce((a, b) => a + b) / expected.length;
    expect(values(outputs.loss!)[0]).toBeCloseTo(mean, 5);
  });

  test('probabilities of all clusters add up to one', () => {
    using outputs = model.forward({ inputIds });
    const sums = tf.tidy(() => values(tf.sum(tf.exp(outputs.logits), -1)));
    for (const sum of sums) expect(sum).toBeCloseTo(1, 5);
  });
});
