import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { distance, type Fixture, openFixture } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { valueAndGradients, Weights } from '@multihead/nn';
import { sortedBy } from '../test/sorting.js';
import { GPT2Config, GPT2LMHeadModel, GPT2Model } from './index.js';

const folder = fileURLToPath(new URL('../fixtures/past', import.meta.url));
const STEPS = [4, 1, 3, 1];

describe.each([
  { backend: 'cpu', start: () => tf.setBackend('cpu') },
  { backend: 'wasm', start: () => useWasm() },
  { backend: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
])('the past on $backend', ({ start }) => {
  let fixture: Fixture;
  let model: GPT2LMHeadModel;
  beforeAll(async () => {
    await start();
    fixture = await openFixture(folder);
    model = await GPT2LMHeadModel.fromPretrained(fixture.folder);
  });
  afterAll(() => {
    fixture.dispose();
    model.dispose();
  });

  const near = (name: string, tensor: tf.Tensor) => {
    const { shape, values } = fixture.expected.get(name)!;
    expect({ name, shape: tensor.shape }).toEqual({ name, shape });
    const { absolute } = distance(tensor.dataSync(), values);
    expect({ name, absolute, close: absolute <= 1e-5 }).toMatchObject({ close: true });
  };
  /** The columns of the fixture's rows. */
  const input = (name: string, from: number, to: number) => {
    const rows = fixture.inputs.get(name)!.arraySync() as number[][];
    return rows.map((row) => row.slice(from, to));
  };

  test('forward with pastKeyValues: logits, hidden states, attentions, keys and values', () => {
    const before = tf.memory().numTensors;
    const pastKeyValues = model.createState({ batch: 3, capacity: 9 });
    let end = 0;
    STEPS.forEach((size, step) => {
      const from = end;
      end += size;
      using outputs = model.forward(
        {
          inputIds: input('input_ids', from, end),
          attentionMask: input('attention_mask', 0, end),
          positionIds: input('position_ids', from, end),
          pastKeyValues,
        },
        { outputAttentions: true, outputHiddenStates: true },
      );
      near(`steps.${step}/logits`, outputs.logits);
      outputs.hiddenStates!.forEach((h, i) => {
        near(`steps.${step}/hidden_states.${i}`, h);
      });
      outputs.attentions!.forEach((a, i) => {
        near(`steps.${step}/attentions.${i}`, a);
      });
    });
    for (const i of [0, 1]) {
      const { key, value } = pastKeyValues.keyValues(i);
      near(`past.${i}/key`, key);
      near(`past.${i}/value`, value);
      tf.dispose([key, value]);
    }
    pastKeyValues.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('step knows the padding from the state and gives the same', () => {
    const masks = input('attention_mask', 0, 9);
    const leftPadding = masks.map((row) => row.filter((one) => one === 0).length);
    using state = model.createState({ batch: 3, capacity: 9, leftPadding });
    let end = 0;
    STEPS.forEach((size, step) => {
      using outputs = model.step(input('input_ids', end, end + size), state, { allLogits: true });
      end += size;
      // The reference computes something for padding too, at another position.
      const expected = fixture.expected.get(`steps.${step}/logits`)!.values;
      const found = outputs.logits.dataSync();
      const width = model.vocabSize;
      leftPadding.forEach((padding, row) => {
        for (let i = Math.max(padding - (end - size), 0); i < size; i++) {
          const at = (row * size + i) * width;
          const { absolute } = distance(
            found.subarray(at, at + width),
            expected.subarray(at, at + width),
          );
          expect(absolute).toBeLessThan(1e-5);
        }
      });
    });
  });
});

describe('what does not go together', () => {
  const config = new GPT2Config({ vocabSize: 9, nPositions: 6, nEmbd: 4, nLayer: 2, nHead: 2 });
  let model: GPT2LMHeadModel;
  beforeAll(async () => {
    await useWasm();
    model = new GPT2LMHeadModel(config, new Weights({ seed: 1 }));
  });

  test('more tokens than there are positions', () => {
    using state = model.createState({ batch: 1, capacity: 100 });
    model.step([1, 2, 3, 4, 5], state).dispose();
    const step = () => model.step([6, 7], state);
    expect(step).toThrow(expect.objectContaining({ code: 'CONTEXT_EXCEEDED' }));
    expect(step).toThrow(/7 tokens long; this model has 6 positions/);
    model.step([6], state).dispose();
    expect(state.length).toBe(6);
  });

  test('padding on the left leaves every row its positions', () => {
    using state = model.createState({ batch: 1, leftPadding: [4] });
    expect(state.capacity).toBe(10);
    model.step([0, 0, 0, 0, 1, 2, 3, 4, 5, 6], state).dispose();
    expect(() => model.step([1], state)).toThrow(/room for 10 tokens/);
  });

  test('a state of another model', () => {
    const fields = { vocabSize: 9, nPositions: 6, nEmbd: 4, nHead: 2 };
    for (const [other, message] of [
      [{ ...fields, nLayer: 1 }, /1 layers; this one has 2/],
      [{ ...fields, nLayer: 2, nEmbd: 8 }, /The cache takes key \[1,1,8\]/],
    ] as const) {
      const another = new GPT2Model(new GPT2Config(other));
      using state = another.createState({ batch: 1 });
      const before = tf.memory().numTensors;
      expect(() => model.step([1], state)).toThrow(message);
      expect(tf.memory().numTensors).toBe(before);
      another.dispose();
    }
  });

  test('gradients and a past', () => {
    using state = model.createState({ batch: 1 });
    const before = tf.memory().numTensors;
    const inputs = { inputIds: [1, 2], labels: [1, 2], pastKeyValues: state };
    const learn = () => valueAndGradients(model, () => model.forward(inputs).loss!);
    expect(learn).toThrow(/hold no gradient/);
    expect(tf.memory().numTensors).toBe(before);
    using outputs = model.forward(inputs); // the loss alone is fine
    expect(outputs.loss!.dataSync()[0]).toBeGreaterThan(0);
  });

  test('a mask that leaves out the past, and a state that was disposed', () => {
    const state = model.createState({ batch: 1 });
    model.step([1, 2], state).dispose();
    const inputs = { inputIds: [3], attentionMask: [1], pastKeyValues: state };
    expect(() => model.forward(inputs)).toThrow(/with the past it must be \[1,3\]/);
    state.dispose();
    expect(() => model.step([3], state)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
  });
});

test('the package’s own sorter sorts all 81 inputs, token by token', async () => {
  await useWasm();
  const sorter = fileURLToPath(new URL('../fixtures/sorter', import.meta.url));
  const model = await GPT2LMHeadModel.fromPretrained(sorter);
  expect(sortedBy(model, 4)).toBe(81);
  model.dispose();
});
