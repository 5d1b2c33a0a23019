import { beforeAll, describe, expect, test } from '@jest/globals';
import { formatJson, parseJson } from '@multihead/checkpoint';
import { Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { BertConfig, BertForMaskedLM, BertModel } from './index.js';

const tiny = {
  vocabSize: 20,
  hiddenSize: 8,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  intermediateSize: 16,
  maxPositionEmbeddings: 8,
};

describe('BertConfig', () => {
  test('reads the fields it knows and keeps the rest, in order and untouched', () => {
    const text =
      '{"note": "kept", "hidden_size": 48, "num_attention_heads": 4, "custom": [1, 2.50]}';
    const json = parseJson(text, 'config.json');
    const config = BertConfig.fromJson(json);
    expect(config.hiddenSize).toBe(48);
    expect(config.vocabSize).toBe(30522);
    expect(config.toJson()).toBe(json);
  });

  test('writes a new config.json with every field in Hugging Face’s spelling', () => {
    const json = new BertConfig(tiny).toJson();
    expect(json).toMatchObject({ model_type: 'bert', vocab_size: 20, layer_norm_eps: 1e-12 });
    expect(formatJson(json)).toContain('"num_hidden_layers": 1');
    expect(BertConfig.fromJson(json)).toMatchObject(tiny);
  });

  test('labels come by name, by number, or are two; a new file has those worth telling', () => {
    expect(new BertConfig(tiny).numLabels).toBe(2);
    expect(new BertConfig(tiny).toJson()).not.toHaveProperty('id2label');
    expect(BertConfig.fromJson({ num_labels: 4 }).numLabels).toBe(4);
    const json = { id2label: { 0: 'no', 1: 'yes', 2: 'well' }, problem_type: 'regression' };
    const named = BertConfig.fromJson(json);
    expect(named).toMatchObject({
      label2id: { no: 0, yes: 1, well: 2 },
      problemType: 'regression',
    });
    expect(named.toJson()).toBe(json);
    const written = new BertConfig({ ...tiny, numLabels: 1, problemType: 'regression' }).toJson();
    expect(written).toMatchObject({ id2label: { 0: 'LABEL_0' }, label2id: { LABEL_0: 0 } });
    expect(BertConfig.fromJson(written)).toMatchObject({ numLabels: 1, problemType: 'regression' });
  });

  test.each([
    [{ hiddenSize: 10, numAttentionHeads: 3 }, /no multiple of numAttentionHeads/],
    [{ vocabSize: 0 }, /vocabSize must be a positive whole number/],
    [{ hiddenSize: 1.5 }, /hiddenSize must be/],
    [{ hiddenAct: 'swishish' }, /"swishish" is not known/],
    [{ vocabSize: 5, padTokenId: 5 }, /padTokenId 5/],
    [{ padTokenId: 1.5 }, /padTokenId 1\.5/],
    [{ hiddenDropoutProb: 1 }, /hiddenDropoutProb must be from 0 up to but not 1, not 1/],
    [{ attentionProbsDropoutProb: -0.1 }, /attentionProbsDropoutProb/],
    [{ layerNormEps: -1 }, /layerNormEps must be 0 or more/],
    [{ initializerRange: Number.NaN }, /initializerRange/],
    [{ classifierDropout: 1 }, /classifierDropout must be from 0/],
    [{ problemType: 'none' as 'regression' }, /problemType must be one of regression/],
    [{ numLabels: 3, id2label: { 0: 'a' } }, /numLabels is 3, but id2label has 1/],
    [{ hidden_size: 8 } as object, /has no field hidden_size/],
  ])('refuses %j', (fields, message) => {
    expect(() => new BertConfig(fields)).toThrow(message);
  });

  test('a field that is undefined has its default', () => {
    const fields = { tieWordEmbeddings: undefined, hiddenAct: undefined } as object;
    expect(new BertConfig(fields)).toMatchObject({ tieWordEmbeddings: true, hiddenAct: 'gelu' });
  });

  test.each([
    [{ model_type: 'roberta' }, /model_type: "roberta"/],
    [{ position_embedding_type: 'relative_key' }, /supports only "absolute"/],
    [{ is_decoder: true }, /is_decoder/],
    [{ hidden_size: '8' }, /must be a number/],
    [{ tie_word_embeddings: 1 }, /must be a boolean/],
  ])('refuses a config.json with %j', (json, message) => {
    expect(() => BertConfig.fromJson(json)).toThrow(message);
  });
});

describe('a checkpoint that contradicts the configuration', () => {
  beforeAll(() => useWasm());

  /** A saved model with some of its parts changed. */
  const folderOf = async (change: (files: Record<string, string | Uint8Array>) => void) => {
    const { mkdtemp, readFile, rm } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const folder = `${await mkdtemp(`${tmpdir()}/multihead-bert-`)}/model`;
    const model = new BertForMaskedLM(new BertConfig(tiny), new Weights({ seed: 1 }));
    await model.save(folder);
    model.dispose();
    const files: Record<string, string | Uint8Array> = {
      'config.json': await readFile(`${folder}/config.json`, 'utf8'),
      'model.safetensors': await readFile(`${folder}/model.safetensors`),
    };
    await rm(folder, { recursive: true });
    change(files);
    return files;
  };
  const edit = (fields: object) => (files: Record<string, string | Uint8Array>) => {
    files['config.json'] = JSON.stringify({
      ...JSON.parse(files['config.json'] as string),
      ...fields,
    });
  };

  test.each([
    [
      'another size',
      edit({ intermediate_size: 12 }),
      'WRONG_SHAPE',
      /intermediate\.dense\.weight is \[16,8\].*\[12,8\]/,
    ],
    ['more layers', edit({ num_hidden_layers: 2 }), 'MISSING_KEYS', /bert\.encoder\.layer\.1/],
    ['an untied decoder', edit({ tie_word_embeddings: false }), 'MISSING_KEYS', /decoder\.weight/],
    [
      'no config.json',
      (files: Record<string, string | Uint8Array>) => delete files['config.json'],
      'BAD_CONFIG',
      /no config\.json/,
    ],
  ])(
    '%s: the error names the key, and nothing stays on the backend',
    async (_, change, code, message) => {
      const files = await folderOf(change);
      const before = tf.memory().numTensors;
      const load = BertForMaskedLM.fromPretrained(files);
      await expect(load).rejects.toMatchObject({ code });
      await expect(load).rejects.toThrow(message);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test('fewer layers: what is left over is reported; a missing pooler can be drawn or left out', async () => {
    const files = await folderOf(() => {});
    const reports: unknown[] = [];
    const onReport = (report: unknown) => void reports.push(report);
    await expect(BertModel.fromPretrained(files)).rejects.toThrow(/pooler\.dense\.weight/);
    const drawn = await BertModel.fromPretrained(files, { initializeMissing: true, onReport });
    const without = await BertModel.fromPretrained(files, { addPoolingLayer: false });
    expect(reports).toMatchObject([{ missing: ['pooler.dense.weight', 'pooler.dense.bias'] }]);
    expect(without.forward({ inputIds: [1, 2] }).poolerOutput).toBeUndefined();
    drawn.dispose();
    without.dispose();
  });
});
