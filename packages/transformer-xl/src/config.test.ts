import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { readSafetensors } from '@multihead/checkpoint';
import { Weights } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { TransfoXLConfig, TransfoXLLMHeadModel } from './index.js';

const tiny = { vocabSize: 20, dModel: 8, dEmbed: 8, nHead: 2, dHead: 3, dInner: 12, nLayer: 2 };
const folder = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

describe('TransfoXLConfig', () => {
  test('has the published model’s defaults, whose cutoffs suit its vocabulary alone', () => {
    expect(TransfoXLConfig.fromJson({ model_type: 'transfo-xl' })).toMatchObject({
      vocabSize: 267735,
      cutoffs: [20000, 40000, 200000],
      dHead: 64,
      memLen: 1600,
      tiedProjections: [false, true, true, true],
    });
    expect(new TransfoXLConfig(tiny)).toMatchObject({ cutoffs: [], tiedProjections: [false] });
    expect(new TransfoXLConfig({ adaptive: false }).cutoffs).toEqual([]);
    expect(new TransfoXLConfig({ ...tiny, memLen: 0 }).sameLength).toBe(false);
  });

  test('is written as config.json, and read again', () => {
    const config = new TransfoXLConfig({ ...tiny, cutoffs: [5, 9], untieR: false, numLabels: 3 });
    const json = config.toJson();
    expect(json).toMatchObject({
      model_type: 'transfo-xl',
      vocab_size: 20,
      cutoffs: [5, 9],
      untie_r: false,
      d_model: 8,
      pre_lnorm: false,
      tie_projs: [false, true, true],
      id2label: { 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' },
    });
    expect(TransfoXLConfig.fromJson(json)).toMatchObject({
      ...tiny,
      cutoffs: [5, 9],
      numLabels: 3,
    });
  });

  test('what was read is written back as it was', () => {
    const json = { model_type: 'transfo-xl', n_head: 4, tie_weight: true, mem_len: 7, cutoffs: [] };
    expect(TransfoXLConfig.fromJson(json).toJson()).toBe(json);
  });

  test('projections are tied cluster by cluster', () => {
    const tieProjs = [true, false, true];
    const given = new TransfoXLConfig({ ...tiny, cutoffs: [5, 9], tieProjs });
    expect(given.tiedProjections).toEqual(tieProjs);
    const none = { ...tiny, cutoffs: [5], projShareAllButFirst: false };
    expect(new TransfoXLConfig(none).tiedProjections).toEqual([false, false]);
    const read = TransfoXLConfig.fromJson({
      vocab_size: 20,
      cutoffs: [5],
      tie_projs: [true, true],
    });
    expect(read.tiedProjections).toEqual([true, true]);
  });

  test.each([
    [{ dModel: 7 }, /dModel must be even/],
    [{ nLayer: 0 }, /nLayer must be a positive whole number/],
    [{ memLen: -1 }, /memLen must be 0 or a positive/],
    [{ memLen: 0, sameLength: true }, /memLen is 0/],
    [{ clampLen: 0.5 }, /clampLen must be a whole number/],
    [{ dropout: 1 }, /dropout must be from 0 up to but not 1/],
    [{ dropatt: -0.1 }, /dropatt must be/],
    [{ initStd: -1 }, /initStd must be 0 or more/],
    [{ attnType: 4 as 0 }, /attnType must be one of 0, 1, 2, 3/],
    [{ attnType: 3 as const }, /attnType 3 adds vectors of nHead · dHead = 6/],
    [{ init: 'xavier' as 'normal' }, /init must be one of normal, uniform/],
    [{ sampleSoftmax: 10, cutoffs: [5] }, /leave out either/],
    [{ sampleSoftmax: 0.5 }, /sampleSoftmax must be a whole number/],
    [{ adaptive: false, cutoffs: [5] }, /leave them out/],
    [{ cutoffs: [5], tieProjs: [true] }, /each of 2 clusters/],
    [{ problemType: 'none' as 'regression' }, /problemType must be one of/],
    [{ eosTokenId: 0.5 }, /eosTokenId must be an id or null/],
    [{ numLabels: 0 }, /numLabels/],
    [{ n_head: 2 } as object, /has no field n_head/],
  ])('refuses %j', (fields, message) => {
    const create = () => new TransfoXLConfig({ ...tiny, ...fields });
    expect(create).toThrow(message);
    expect(create).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
  });

  test.each([
    [{ model_type: 'gpt2' }, /supports only "transfo-xl"/],
    [{ d_model: '8' }, /must be a number/],
    [{ cutoffs: 5 }, /must be a object/],
  ])('refuses a config.json with %j', (json, message) => {
    expect(() => TransfoXLConfig.fromJson(json)).toThrow(message);
  });

  test.each([
    [{ cutoffs: [9, 5] }, /must be whole numbers that rise/],
    [{ cutoffs: [5, 20] }, /below the vocabulary's 20/],
    [{ cutoffs: [2, 4], divVal: 4 }, /cluster 2 of 3 would have vectors of 0/],
  ])('clusters that cannot be, %j, are refused by the model', async (fields, message) => {
    await tf.setBackend('cpu');
    const create = () => new TransfoXLLMHeadModel(new TransfoXLConfig({ ...tiny, ...fields }));
    expect(create).toThrow(message);
  });
});

test('fresh weights are drawn as the original draws them', async () => {
  await tf.setBackend('cpu');
  const spread = (fields: object) => {
    const config = new TransfoXLConfig({
      ...tiny,
      ...{ vocabSize: 400, cutoffs: [100], divVal: 2, dModel: 32, dEmbed: 32, dInner: 64 },
      ...fields,
    });
    const model = new TransfoXLLMHeadModel(config, new Weights({ seed: 3 }));
    const of = (key: string) => {
      const values = Array.from(model.parameters.get(key)!.value.dataSync());
      const mean = values.reduce((a, b) => a + b) / values.length;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
      return { mean, deviation: Math.sqrt(variance), most: Math.max(...values.map(Math.abs)) };
    };
    const found = {
      table: of('transformer.word_emb.emb_layers.0.weight'),
      projection: of('transformer.word_emb.emb_projs.1'),
      norm: of('transformer.layers.0.pos_ff.layer_norm.weight'),
      inner: of('transformer.layers.1.pos_ff.CoreNet.0.weight'),
      bias: of('transformer.layers.1.pos_ff.CoreNet.0.bias'),
    };
    model.dispose();
    return found;
  };
  const normal = spread({});
  expect(normal.table.deviation).toBeCloseTo(0.02, 2);
  expect(normal.projection.deviation).toBeCloseTo(0.01, 2);
  expect(normal.norm.mean).toBeCloseTo(1, 1);
  expect(normal.norm.deviation).toBeGreaterThan(0.01);
  expect(normal.inner.deviation).toBeCloseTo(0.02, 2);
  expect(normal.bias.most).toBe(0);
  const uniform = spread({ init: 'uniform', initRange: 0.3 });
  expect(uniform.table.most).toBeLessThanOrEqual(0.3);
  expect(uniform.table.deviation).toBeCloseTo(0.3 / Math.sqrt(3), 2);
  expect(uniform.projection.deviation).toBeCloseTo(0.01, 2);
});

test.each(['div-1-projected', 'div-4', 'pre-lnorm-tied-r', 'no-cutoffs-untied', 'shaw', 'al-rfou'])(
  '%s is saved under the keys it was read by',
  async (name) => {
    await tf.setBackend('cpu');
    const there = await mkdtemp(join(tmpdir(), 'multihead-transformer-xl-'));
    const model = await TransfoXLLMHeadModel.fromPretrained(folder(name));
    try {
      await model.save(join(there, 'model'));
      const read = async (path: string) => {
        const { tensors } = await readSafetensors(await readFile(`${path}/model.safetensors`));
        const all = new Map<string, { shape: number[]; bytes: number[] }>();
        for await (const { name, shape, data } of tensors()) {
          all.set(name, { shape, bytes: Array.from(data) });
        }
        return all;
      };
      const [mine, theirs] = [await read(join(there, 'model')), await read(folder(name))];
      theirs.delete('transformer.pos_emb.inv_freq');
      if (!model.config.untieR && model.config.attnType === 0) {
        // Which of the names of one tensor the reference keeps is chance.
        for (const key of [...theirs.keys()].filter((key) => /dec_attn\.r_[wr]_bias$/.test(key))) {
          theirs.set(key.replace(/layers.*dec_attn\./, ''), theirs.get(key)!);
          theirs.delete(key);
        }
      }
      expect([...mine.keys()].sort()).toEqual([...theirs.keys()].sort());
      for (const [key, value] of mine)
        expect({ key, ...theirs.get(key) }).toEqual({ key, ...value });
    } finally {
      model.dispose();
      await rm(there, { recursive: true });
    }
  },
);
