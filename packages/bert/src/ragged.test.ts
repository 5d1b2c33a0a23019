import { beforeAll, describe, expect, test } from '@jest/globals';
import { Random, valueAndGradients, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { BertConfig, BertForMaskedLM, BertModel } from './index.js';

const backends = [
  { name: 'cpu', start: () => tf.setBackend('cpu') },
  { name: 'wasm', start: () => useWasm() },
  { name: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
];
const sizes = {
  vocabSize: 50,
  hiddenSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 3,
  intermediateSize: 40,
  maxPositionEmbeddings: 12,
  initializerRange: 0.3,
};
const random = new Random(3);
const lengths = [5, 1, 12, 7];
const draw = (end: number) =>
  lengths.map((length) => Array.from({ length }, () => random.below(end)));
const inputIds = draw(49).map((row) => row.map((id) => id + 1));
const tokenTypeIds = draw(2);
const labels = inputIds.map((row) => row.map((id) => (random.uniform() < 0.4 ? id : -100)));

/** The rows padded to 12, on the right or on the left. */
const padded = (rows: number[][], value: number, left = false) =>
  rows.map((row) => {
    const padding = Array<number>(12 - row.length).fill(value);
    return left ? [...padding, ...row] : [...row, ...padding];
  });
const ones = lengths.map((length) => Array<number>(length).fill(1));
const batch = (left = false) => ({
  inputIds: padded(inputIds, 0, left),
  tokenTypeIds: padded(tokenTypeIds, 0, left),
  attentionMask: padded(ones, 0, left),
  labels: padded(labels, -100, left),
});
/** What a padded output [rows, 12, size] has at the real tokens. */
const real = (output: tf.Tensor, left = false) => {
  const rows = output.arraySync() as number[][][];
  return rows
    .flatMap((row, i) => (left ? row.slice(-lengths[i]!) : row.slice(0, lengths[i])))
    .flat();
};
const values = (output: tf.Tensor | undefined) => Array.from(output!.dataSync());
const near = (a: number[], b: number[]) => {
  expect(a.length).toBe(b.length);
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThanOrEqual(1e-5);
};

describe.each(backends)('rows of any length, on $name', ({ start }) => {
  let model: BertModel;
  let head: BertForMaskedLM;
  beforeAll(async () => {
    await start();
    model = new BertModel(new BertConfig(sizes), new Weights({ seed: 1 }));
    head = new BertForMaskedLM(new BertConfig(sizes), new Weights({ seed: 1 }));
  });

  test('hidden states and the pooled output equal those of the padded batch', () => {
    const before = tf.memory().numTensors;
    const headMask = [1, 0.5, 0];
    const inputs = { inputIds, tokenTypeIds, headMask };
    const options = { outputHiddenStates: true };
    const packed = model.forward(inputs, { ...options, ragged: true });
    expect(packed.sequenceLengths).toEqual(lengths);
    expect(packed.lastHiddenState.shape).toEqual([1, 25, 24]);
    expect(packed.poolerOutput!.shape).toEqual([4, 24]);
    const whole = model.forward({ ...batch(), headMask }, options);
    near(values(packed.lastHiddenState), real(whole.lastHiddenState));
    near(values(packed.poolerOutput), values(whole.poolerOutput));
    packed.hiddenStates!.forEach((state, i) => {
      near(values(state), real(whole.hiddenStates![i]!));
    });
    packed.dispose();
    whole.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a padded batch is packed too, and tokens keep their positions', () => {
    for (const left of [false, true]) {
      using packed = model.forward(batch(left), { ragged: true });
      using whole = model.forward(batch(left));
      expect(packed.sequenceLengths).toEqual(lengths);
      near(values(packed.lastHiddenState), real(whole.lastHiddenState, left));
      if (!left) near(values(packed.poolerOutput), values(whole.poolerOutput));
    }
    const positionIds = inputIds.map((row) => row.map((_, i) => (3 * i) % 12));
    using given = model.forward({ inputIds, positionIds }, { ragged: true });
    using whole = model.forward({
      ...{ inputIds: padded(inputIds, 0), positionIds: padded(positionIds, 0) },
      attentionMask: padded(ones, 0),
    });
    near(values(given.lastHiddenState), real(whole.lastHiddenState));
  });

  test('logits, loss and every gradient equal those of the padded batch', () => {
    for (const outputLogits of [true, false]) {
      const options = { outputLogits };
      const inputs = { inputIds, tokenTypeIds, labels };
      using packed = head.forward(inputs, { ...options, ragged: true });
      using whole = head.forward(batch(), options);
      near(values(packed.loss), values(whole.loss));
      if (outputLogits) near(values(packed.logits), real(whole.logits!));
      else expect(packed.logits).toBeUndefined();
      expect(packed.sequenceLengths).toEqual(lengths);
      const a = valueAndGradients(
        head,
        () => head.forward(inputs, { ...options, ragged: true }).loss!,
      );
      const b = valueAndGradients(head, () => head.forward(batch(), options).loss!);
      expect([...a.gradients.keys()]).toEqual([...b.gradients.keys()]);
      for (const [key, gradient] of a.gradients)
        near(values(gradient), values(b.gradients.get(key)));
      tf.dispose([a.value, b.value, ...a.gradients.values(), ...b.gradients.values()]);
    }
  });

  test('one row, alone, is a batch like any other', () => {
    using packed = model.forward({ inputIds: inputIds[3]! }, { ragged: true });
    using whole = model.forward({ inputIds: inputIds[3]! });
    expect(packed.sequenceLengths).toEqual([7]);
    near(values(packed.lastHiddenState), values(whole.lastHiddenState));
  });

  test('what does not fit is refused with its place, and nothing stays behind', () => {
    const before = tf.memory().numTensors;
    const refused = (inputs: object, code: string, message: RegExp, options = {}) => {
      const forward = () => head.forward({ inputIds, ...inputs }, { ragged: true, ...options });
      expect(forward).toThrow(expect.objectContaining({ code }));
      expect(forward).toThrow(message);
    };
    refused({ inputIds: [[1], [2, 50]] }, 'ID_OUT_OF_RANGE', /inputIds\[1\]\[1\] is 50/);
    refused({ inputIds: [[1], []] }, 'BAD_INPUT', /inputIds\[1\] is empty/);
    refused({ inputIds: [] }, 'BAD_INPUT', /inputIds is empty|inputIds\[0\] is empty/);
    refused({ inputIds: [Array(13).fill(1), [1]] }, 'BAD_INPUT', /13 tokens.*12 positions/);
    const mask = [...ones.slice(0, 3), Array(7).fill(0)];
    refused({ attentionMask: mask }, 'BAD_INPUT', /attentionMask\[3\] hides every token/);
    for (const name of ['tokenTypeIds', 'attentionMask', 'positionIds', 'labels']) {
      refused(
        { [name]: ones.slice(1) },
        'WRONG_SHAPE',
        new RegExp(`rows of ${name} are \\[1,12,7\\]`),
      );
    }
    refused({}, 'BAD_INPUT', /without outputAttentions/, { outputAttentions: true });
    expect(() => head.forward({ inputIds })).toThrow(/one length/);
    expect(tf.memory().numTensors).toBe(before);
  });
});
