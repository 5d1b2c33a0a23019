import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Numbers, Random, valueAndGradients, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import {
  type DoubleHeadsInputs,
  GPT2Config,
  GPT2DoubleHeadsModel,
  GPT2ForQuestionAnswering,
  GPT2ForSequenceClassification,
  GPT2LMHeadModel,
  GPT2Model,
  type GPTInputs,
} from './index.js';

const sizes = {
  vocabSize: 30,
  nPositions: 8,
  nEmbd: 8,
  nLayer: 2,
  nHead: 2,
  nInner: 16,
  initializerRange: 0.5,
};
const inputIds = [
  [1, 2, 3],
  [4, 5, 6],
];
let model: GPT2LMHeadModel;
beforeAll(async () => {
  await useWasm();
  model = new GPT2LMHeadModel(new GPT2Config(sizes), new Weights({ seed: 1 }));
});

const logits = (inputs: GPTInputs): number[] => {
  using outputs = model.forward(inputs);
  return Array.from(outputs.logits.dataSync());
};
const code = (run: () => unknown) => {
  const before = tf.memory().numTensors;
  try {
    run();
  } catch (error) {
    expect(tf.memory().numTensors).toBe(before);
    return (error as { code?: string }).code;
  }
  return undefined;
};

test('ids in every form they may come in give the same', () => {
  const row = [1, 2, 3];
  const tensor = tf.tensor1d(row, 'int32');
  const expected = logits({ inputIds: row });
  const forms = [[row], Int32Array.from(row), BigInt64Array.from([1n, 2n, 3n]) as never, tensor];
  for (const form of forms) expect(logits({ inputIds: form })).toEqual(expected);
  tensor.dispose();
});

test('what was not given may be undefined or null; a tokenizer’s token types are not a GPT’s', () => {
  const nothing = {
    attentionMask: null,
    positionIds: null,
    typeTokenIds: null,
    headMask: null,
    pastKeyValues: null,
    inputsEmbeds: null,
    labels: null,
  };
  const expected = logits({ inputIds });
  expect(logits({ inputIds, ...nothing } as never)).toEqual(expected);
  const encoded = { inputIds, tokenTypeIds: inputIds.map((row) => row.map(() => 0)) };
  expect(logits(encoded)).toEqual(expected);
  expect(logits({ inputIds, typeTokenIds: encoded.tokenTypeIds })).not.toEqual(expected);
});

test('the vectors of the tokens in the place of their ids', () => {
  const vectors = tf.tidy(() =>
    model.transformer.tokens.forward(tf.tensor2d(inputIds, undefined, 'int32')),
  );
  expect(logits({ inputsEmbeds: vectors })).toEqual(logits({ inputIds }));
  expect(code(() => logits({ inputIds, inputsEmbeds: vectors }))).toBe('BAD_INPUT');
  expect(code(() => logits({}))).toBe('BAD_INPUT');
  const narrow = tf.zeros([2, 3, 4]);
  expect(code(() => logits({ inputsEmbeds: narrow }))).toBe('WRONG_SHAPE');
  tf.dispose([vectors, narrow]);
});

test('inputs of another shape than inputIds are refused by name', () => {
  for (const name of ['attentionMask', 'typeTokenIds', 'positionIds', 'labels']) {
    const forward = () => model.forward({ inputIds, [name]: [[1, 1]] });
    expect(code(forward)).toBe('WRONG_SHAPE');
    expect(forward).toThrow(new RegExp(`${name} is \\[1,2\\], but inputIds are \\[2,3\\]`));
  }
  expect(code(() => model.forward({ inputIds, headMask: [1, 0, 1] }))).toBe('WRONG_SHAPE');
  expect(code(() => model.forward({ inputIds: Array(9).fill(1) }))).toBe('CONTEXT_EXCEEDED');
  expect(code(() => model.forward({ inputIds }, { outputLogits: false }))).toBe('BAD_INPUT');
});

test('one row of positions and one of heads hold for all', () => {
  expect(logits({ inputIds, positionIds: [3, 1, 2] })).toEqual(
    logits({
      inputIds,
      positionIds: [
        [3, 1, 2],
        [3, 1, 2],
      ],
    }),
  );
  expect(logits({ inputIds, headMask: [1, 0] })).toEqual(
    logits({
      inputIds,
      headMask: [
        [1, 0],
        [1, 0],
      ],
    }),
  );
});

test('the loss without logits is the same, and so are its gradients', () => {
  const labels = [
    [1, -100, 3],
    [-100, 5, 6],
  ];
  const learn = (outputLogits: boolean) =>
    valueAndGradients(model, () => model.forward({ inputIds, labels }, { outputLogits }).loss!);
  const [all, some] = [learn(true), learn(false)];
  expect(some.value.dataSync()[0]).toBeCloseTo(all.value.dataSync()[0]!, 5);
  for (const [key, gradient] of all.gradients) {
    const other = some.gradients.get(key)!.dataSync();
    gradient.dataSync().forEach((g, i) => {
      expect(other[i]).toBeCloseTo(g, 4);
    });
  }
  for (const one of [all, some]) tf.dispose([one.value, ...one.gradients.values()]);
});

test('every dropout is there, each with draws of its own', () => {
  const none = { residPdrop: 0, embdPdrop: 0, attnPdrop: 0 };
  const places = (rates: object) => {
    const dropping = new GPT2Model(new GPT2Config({ ...sizes, ...none, ...rates }));
    const random = new Random(1);
    let count = 0;
    const counting = new Proxy(random, {
      get: (of, name) => {
        if (name !== 'int32') return Reflect.get(of, name);
        return () => {
          count++;
          return of.int32();
        };
      },
    });
    dropping.forward({ inputIds }, { random: counting }).dispose();
    dropping.dispose();
    return count;
  };
  expect(places({})).toBe(0);
  expect(places({ embdPdrop: 0.3 })).toBe(1);
  expect(places({ attnPdrop: 0.3 })).toBe(2);
  expect(places({ residPdrop: 0.3 })).toBe(4);
});

describe('what a head is given', () => {
  const make = <M>(Model: new (config: GPT2Config, weights: Weights) => M, fields = {}) =>
    new Model(new GPT2Config({ ...sizes, numLabels: 3, ...fields }), new Weights({ seed: 2 }));

  test('a classifier of several texts must know what is padding', () => {
    const classifier = make(GPT2ForSequenceClassification);
    const value = (inputs: object) => {
      using outputs = classifier.forward(inputs as { inputIds: number[][] });
      return Array.from(outputs.logits.dataSync());
    };
    expect(code(() => classifier.forward({ inputIds }))).toBe('BAD_INPUT');
    const attentionMask = [
      [1, 1, 0],
      [0, 1, 1],
    ];
    const both = value({ inputIds, attentionMask });
    const first = value({ inputIds: [1, 2] });
    for (const [i, v] of first.entries()) expect(both[i]).toBeCloseTo(v, 5);
    const alone = value({ inputIds: [4, 5, 6], attentionMask: [0, 1, 1] });
    for (const [i, v] of alone.entries()) expect(both[3 + i]).toBeCloseTo(v, 5);
    classifier.dispose();
  });

  test('what a classifier learns follows from its labels, where nothing is said', () => {
    const fixture = (name: string, file: string) =>
      fileURLToPath(new URL(`../fixtures/${name}/${file}`, import.meta.url));
    for (const name of ['sequence-one-label', 'sequence-several-labels', 'sequence-regression']) {
      const json = JSON.parse(readFileSync(fixture(name, 'config.json'), 'utf8'));
      const numLabels = Object.keys(json.id2label).length;
      const labels: Numbers = name.includes('several')
        ? [
            [1, 0, 1],
            [0, 1, 1],
          ]
        : name.includes('one')
          ? [1, 2]
          : [0.5, -1];
      const loss = (problemType: GPT2Config['problemType']) => {
        const classifier = make(GPT2ForSequenceClassification, {
          numLabels,
          padTokenId: 0,
          problemType,
        });
        using outputs = classifier.forward({ inputIds, labels });
        const value = outputs.loss!.dataSync()[0];
        classifier.dispose();
        return value;
      };
      expect(loss(null)).toBe(loss(json.problem_type));
    }
  });

  test('choices must fit together', () => {
    const heads = make(GPT2DoubleHeadsModel);
    const forward = (inputs: object) => () =>
      heads.forward({ inputIds: [inputIds], ...inputs } as DoubleHeadsInputs);
    expect(code(forward({ mcTokenIds: [[0, 3]] }))).toBe('ID_OUT_OF_RANGE');
    expect(code(forward({ mcTokenIds: [[0]] }))).toBe('WRONG_SHAPE');
    expect(code(forward({ mcLabels: [2] }))).toBe('ID_OUT_OF_RANGE');
    expect(code(forward({ mcLabels: [0, 1] }))).toBe('WRONG_SHAPE');
    expect(
      code(
        forward({
          inputIds: [
            [[1, 2]],
            [
              [1, 2],
              [3, 4],
            ],
          ],
        }),
      ),
    ).toBe('BAD_INPUT');
    const rows = tf.tensor3d([inputIds], undefined, 'int32');
    using given = heads.forward({ inputIds: rows, mcLabels: [1] });
    using nested = heads.forward({ inputIds: [inputIds] });
    expect(given.mcLogits.shape).toEqual([1, 2]);
    expect(given.logits.dataSync()).toEqual(nested.logits.dataSync());
    rows.dispose();
    heads.dispose();
    const vectors = make(GPT2DoubleHeadsModel, { summaryUseProj: false, summaryType: 'mean' });
    const choose = (inputs: object) => () => vectors.forward({ inputIds, ...inputs });
    expect(code(choose({ mcLabels: [1] }))).toBe('BAD_CONFIG');
    expect(code(choose({ mcTokenIds: [0, 1] }))).toBe('BAD_INPUT');
    vectors.dispose();
  });

  test('an answer has two ends', () => {
    const answerer = make(GPT2ForQuestionAnswering);
    const forward = (inputs: object) => () => answerer.forward({ inputIds, ...inputs });
    expect(code(forward({ startPositions: [0, 1] }))).toBe('BAD_INPUT');
    expect(code(forward({ startPositions: [0], endPositions: [1] }))).toBe('WRONG_SHAPE');
    expect(code(forward({ startPositions: [0, 0.5], endPositions: [1, 1] }))).toBe('BAD_INPUT');
    answerer.dispose();
  });
});
