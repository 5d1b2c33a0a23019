import { beforeAll, expect, test } from '@jest/globals';
import { Random, valueAndGradients, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { BertConfig, BertForMaskedLM, type BertInputs, BertModel } from './index.js';

const sizes = {
  vocabSize: 30,
  hiddenSize: 8,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  intermediateSize: 16,
  maxPositionEmbeddings: 8,
  initializerRange: 0.5,
};
const inputIds = [
  [1, 2, 3],
  [4, 5, 6],
];
let model: BertForMaskedLM;
beforeAll(async () => {
  await useWasm();
  model = new BertForMaskedLM(new BertConfig(sizes), new Weights({ seed: 1 }));
});

const logits = (inputs: BertInputs): number[] => {
  using outputs = model.forward(inputs);
  return Array.from(outputs.logits!.dataSync());
};

test('ids in every form they may come in give the same, and nothing stays behind', () => {
  const row = [1, 2, 3];
  const tensors = [
    tf.tensor1d(row, 'int32'),
    tf.tensor2d([row], [1, 3], 'int32'),
    tf.tensor1d(row, 'float32'),
  ];
  const before = tf.memory().numTensors;
  const expected = logits({ inputIds: row });
  const forms = [
    [row],
    Int32Array.from(row),
    Uint16Array.from(row),
    [Int32Array.from(row)],
    BigInt64Array.from([1n, 2n, 3n]) as never,
    ...tensors,
  ];
  for (const form of forms) expect(logits({ inputIds: form })).toEqual(expected);
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose(tensors);
});

test('what was not given may be undefined or null', () => {
  const nothing = { attentionMask: null, tokenTypeIds: null, positionIds: null, headMask: null };
  expect(logits({ inputIds, ...nothing, labels: null } as never)).toEqual(logits({ inputIds }));
});

test('one row of positions holds for the whole batch', () => {
  const one = [3, 1, 2];
  const expected = logits({ inputIds, positionIds: [one, one] });
  expect(expected).not.toEqual(logits({ inputIds }));
  expect(logits({ inputIds, positionIds: [one] })).toEqual(expected);
  expect(logits({ inputIds, positionIds: one })).toEqual(expected);
});

test('a head mask in every form gives the same; what is none is refused', () => {
  const rows = [
    [1, 0],
    [1, 0],
  ];
  const expected = logits({ inputIds, headMask: rows });
  expect(expected).not.toEqual(logits({ inputIds }));
  expect(logits({ inputIds, headMask: [1, 0] })).toEqual(expected);
  expect(logits({ inputIds, headMask: Float32Array.from([1, 0]) })).toEqual(expected);
  expect(logits({ inputIds, headMask: rows.map((r) => Float32Array.from(r)) })).toEqual(expected);
  const before = tf.memory().numTensors;
  for (const headMask of [[1, 0, 1], [[1, 0]], [[1, 0], [1]], [1, Number.NaN], 'no', []]) {
    const forward = () => model.forward({ inputIds, headMask: headMask as number[] });
    expect(forward).toThrow(expect.objectContaining({ code: 'WRONG_SHAPE' }));
    expect(forward).toThrow(/\[2\] or \[2,2\]/);
  }
  expect(tf.memory().numTensors).toBe(before);
});

test('inputs of another shape than inputIds are refused by name', () => {
  for (const name of ['attentionMask', 'tokenTypeIds', 'positionIds', 'labels']) {
    const forward = () => model.forward({ inputIds, [name]: [[1, 1]] });
    expect(forward).toThrow(expect.objectContaining({ code: 'WRONG_SHAPE' }));
    expect(forward).toThrow(new RegExp(`${name} is \\[1,2\\], but inputIds are \\[2,3\\]`));
  }
  expect(() => model.forward({ inputIds, attentionMask: [1, 1, 1] })).toThrow(/attentionMask/);
  expect(() => model.forward({ inputIds: Array(9).fill(1) })).toThrow(/9 tokens.*8 positions/);
});

test('labels that all are −100 give NaN, as in PyTorch, and gradients without NaN', () => {
  const labels = inputIds.map((row) => row.map(() => -100));
  const before = tf.memory().numTensors;
  for (const outputLogits of [true, false]) {
    const { value, gradients } = valueAndGradients(
      model,
      () => model.forward({ inputIds, labels }, { outputLogits }).loss!,
    );
    expect(value.dataSync()[0]).toBeNaN();
    for (const gradient of gradients.values()) {
      expect(Array.from(gradient.dataSync()).every((g) => g === 0)).toBe(true);
    }
    tf.dispose([value, ...gradients.values()]);
  }
  expect(tf.memory().numTensors).toBe(before);
});

test('a frozen parameter has no gradient and changes no other', () => {
  const step = () =>
    valueAndGradients(model, () => model.forward({ inputIds, labels: inputIds }).loss!);
  const all = step();
  const frozen = [...model.parameters.values()].filter(({ path }) => path.includes('layer.0.'));
  for (const parameter of frozen) parameter.trainable = false;
  const some = step();
  for (const parameter of frozen) parameter.trainable = true;
  expect(some.gradients.size).toBe(model.parameters.size - frozen.length);
  for (const [path, gradient] of some.gradients) {
    expect(gradient.dataSync()).toEqual(all.gradients.get(path)!.dataSync());
  }
  tf.dispose([all.value, some.value, ...all.gradients.values(), ...some.gradients.values()]);
});

test('every dropout of the paper is there, each with draws of its own', () => {
  const draws = (rates: object) => {
    const config = new BertConfig({ ...sizes, hiddenDropoutProb: 0, ...rates });
    const dropping = new BertModel(config, new Weights({ seed: 1 }));
    const random = new Random(1);
    let places = 0;
    const counting = new Proxy(random, {
      get: (of, name) => {
        if (name !== 'int32') return Reflect.get(of, name);
        return () => {
          places++;
          return of.int32();
        };
      },
    });
    const values = (random?: Random) => {
      using outputs = dropping.forward({ inputIds }, random && { random });
      return Array.from(outputs.lastHiddenState.dataSync());
    };
    const changed = values().join() !== values(counting).join();
    dropping.dispose();
    return { changed, places };
  };
  const layers = sizes.numHiddenLayers;
  const none = draws({ attentionProbsDropoutProb: 0 });
  expect(none.changed).toBe(false);
  // After the embeddings, after attention and after the feed-forward network of each layer.
  const hidden = draws({ hiddenDropoutProb: 0.3, attentionProbsDropoutProb: 0 });
  expect(hidden).toEqual({ changed: true, places: none.places + 1 + 2 * layers });
  expect(draws({ attentionProbsDropoutProb: 0.3 }).changed).toBe(true);
});

test('every layer norm adds layerNormEps', () => {
  const config = new BertConfig({ ...sizes, layerNormEps: 1e14 });
  const flat = new BertForMaskedLM(config, new Weights({ seed: 1 }));
  const outputs = flat.forward({ inputIds }, { outputHiddenStates: true });
  for (const tensor of [...outputs.hiddenStates!, outputs.logits!]) {
    expect(Math.max(...tensor.dataSync().map(Math.abs))).toBeLessThan(1e-4);
  }
  outputs.dispose();
  flat.dispose();
});
