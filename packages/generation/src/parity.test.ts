import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GPT2Config, GPT2LMHeadModel } from '@multihead/gpt';
import { Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { generate } from './generate.js';
import type { GenerateOptions } from './options.js';

/** What tooling/reference/generation.py wrote. */
interface Reference {
  vocabSize: number;
  models: {
    seed: number;
    cases: Record<
      string,
      { prompts: number[][]; options: GenerateOptions; generated: number[][]; scores?: number[] }
    >;
  }[];
}
const read = (name: string): Reference =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8'));
const references = [read('texts'), read('groups-and-contrastive')];
const { vocabSize } = references[0]!;

/** The same numbers as the script's `uniform`: multiples of 2^-24 from -1/2 to 1/2. */
function uniform(seed: number, name: string, size: number): Float64Array {
  let start = seed;
  for (const letter of name) start = (Math.imul(start, 31) + letter.charCodeAt(0)) | 0;
  return Float64Array.from({ length: size }, (_, i) => {
    let h = (Math.imul(i, 0x9e3779b1) + start) | 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x21f0aaad);
    h ^= h >>> 15;
    h = Math.imul(h, 0x735a2d97);
    h ^= h >>> 15;
    return (h >>> 8) / 2 ** 24 - 0.5;
  });
}

/** As the script gives prompts: zeros on the left, and a mask. */
function padded(prompts: number[][]) {
  const length = Math.max(...prompts.map((prompt) => prompt.length));
  const fill = (row: number[], value: number) => [
    ...Array<number>(length - row.length).fill(value),
    ...row,
  ];
  return {
    inputIds: prompts.map((prompt) => fill(prompt, 0)),
    attentionMask: prompts.map((prompt) =>
      fill(
        prompt.map(() => 1),
        0,
      ),
    ),
  };
}

function modelOf(seed: number): GPT2LMHeadModel {
  const config = { vocabSize, nEmbd: 32, nLayer: 2, nHead: 4, nPositions: 64 };
  const ids = { bosTokenId: null, eosTokenId: null };
  const model = new GPT2LMHeadModel(new GPT2Config({ ...config, ...ids }), new Weights({ seed }));
  for (const [name, parameter] of model.parameters) {
    const values = uniform(seed, name, tf.util.sizeFromShape([...parameter.shape]));
    const isScale = name.includes('.ln_') && name.endsWith('weight');
    const isBias = name.endsWith('bias');
    const drawn = values.map((x) => (isScale ? 1 + x / 4 : isBias ? x / 16 : x));
    parameter.assign(tf.tensor(Float32Array.from(drawn), [...parameter.shape], 'float32'));
  }
  return model;
}

describe.each([
  { backend: 'wasm', models: 24, start: () => useWasm() },
  { backend: 'cpu', models: 2, start: () => tf.setBackend('cpu') },
])('on $backend', ({ models, start }) => {
  beforeAll(async () => void (await start()));

  describe.each(references[0]!.models.slice(0, models).map(({ seed }, i) => ({ seed, i })))(
    'random model $seed writes what transformers writes',
    ({ seed, i }) => {
      let model: GPT2LMHeadModel;
      beforeAll(() => {
        model = modelOf(seed);
      });
      afterAll(() => model.dispose());
      const cases = references.flatMap(({ models }) => Object.entries(models[i]!.cases));

      test.each(cases)('%s', async (_, { prompts, options, generated, scores }) => {
        const before = tf.memory().numTensors;
        const output = await generate(model, padded(prompts), { ...options, padTokenId: 0 });
        expect(output.generated).toEqual(generated);
        scores?.forEach((score, text) => {
          expect(Math.abs(output.sequencesScores![text]! - score)).toBeLessThan(1e-4);
        });
        expect(tf.memory().numTensors).toBe(before);
      });
    },
  );
});

test('there are as many models as the references promise', () => {
  for (const { models } of references) expect(models.length).toBeGreaterThanOrEqual(20);
  expect(references.map(({ models }) => models.map(({ seed }) => seed))).toEqual([
    references[0]!.models.map(({ seed }) => seed),
    references[0]!.models.map(({ seed }) => seed),
  ]);
});
