import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from '@jest/globals';
import {
  type JsonObject,
  loadFolder,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  toInt32,
} from '@multihead/checkpoint';
import type { LoadReport } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { BertForMaskedLM, BertModel } from './index.js';
import { asHuggingFace } from './layouts.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const shared = fileURLToPath(
  new URL('../../../../shared/data/weights/bert-tf-fixture', import.meta.url),
);
beforeAll(() => useWasm());

type Loader = (source: string) => Promise<BertModel | BertForMaskedLM>;

test.each<[string, Loader]>([
  ['BertModel', (source) => BertModel.fromPretrained(source)],
  ['BertForMaskedLM', (source) => BertForMaskedLM.fromPretrained(source)],
])(
  '%s of Google’s folder has the weights that TensorFlow was given, to the last bit',
  async (_, load) => {
    const before = tf.memory().numTensors;
    const ours = await load(fixture('google-tensorflow'));
    const theirs = await load(fixture('masked-lm-legacy'));
    expect([...ours.parameters.keys()]).toEqual([...theirs.parameters.keys()]);
    for (const [key, parameter] of ours.parameters) {
      expect(await parameter.data()).toEqual(await theirs.parameters.get(key)!.data());
    }
    expect({ ...ours.config }).toEqual({ ...theirs.config });
    ours.dispose();
    theirs.dispose();
    expect(tf.memory().numTensors).toBe(before);
  },
);

test('the names and shapes are those of the tensors; what training left is no part of them', async () => {
  const folder = await asHuggingFace(await loadFolder(fixture('google-tensorflow')));
  const names = await folder.names();
  expect(names.size).toBe(46);
  for await (const { name, dtype, shape } of folder.tensors()) {
    expect(names.get(name)).toEqual({ dtype, shape });
  }
  expect(names.get('bert.encoder.layer.1.intermediate.dense.weight')?.shape).toEqual([52, 24]);
  expect(names.get('cls.seq_relationship.weight')?.shape).toEqual([2, 24]);
  const reports: LoadReport[] = [];
  const model = await BertForMaskedLM.fromPretrained(folder, {
    onReport: (report) => void reports.push(report),
  });
  model.dispose();
  const others = ['bert.pooler.dense', 'cls.seq_relationship'];
  const unexpected = others.flatMap((layer) => [`${layer}.bias`, `${layer}.weight`]);
  expect(reports).toEqual([{ missing: [], unexpected }]);
});

test('the first libraries for PyTorch left bert_config.json beside their weights', async () => {
  const config = JSON.parse(await readFile(fixture('masked-lm/config.json'), 'utf8')) as JsonObject;
  const { model_type: _, ...older } = config;
  const model = await BertForMaskedLM.fromPretrained({
    'bert_config.json': JSON.stringify(older),
    'model.safetensors': await readFile(fixture('masked-lm/model.safetensors')),
  });
  expect(model.config.hiddenSize).toBe(config.hidden_size);
  model.dispose();
});

// Files of others, which stand beside the repository or nowhere.
(existsSync(shared) ? test : test.skip)(
  'a checkpoint of others gives what transformers gives',
  async () => {
    const stored = await readSafetensors(await readFile(fixture('shared-bert.safetensors')));
    const expected = new Map<string, StoredTensor>();
    for await (const tensor of stored.tensors()) expected.set(tensor.name, tensor);
    const rows = (name: string) => {
      const flat = [...toInt32(expected.get(name)!)];
      return [flat.slice(0, 5), flat.slice(5)];
    };
    const inputs = { inputIds: rows('input_ids'), tokenTypeIds: rows('token_type_ids') };
    const bare = await BertModel.fromPretrained(shared);
    const masked = await BertForMaskedLM.fromPretrained(shared);
    const [pooled, predicted] = [bare.forward(inputs), masked.forward(inputs)];
    for (const [name, tensor] of [
      ['pooler_output', pooled.poolerOutput],
      ['logits', predicted.logits],
    ] as const) {
      const [ours, theirs] = [await tensor!.data(), toFloat32(expected.get(name)!)];
      expect(ours).toHaveLength(theirs.length);
      theirs.forEach((value, i) => void expect(Math.abs(ours[i]! - value)).toBeLessThan(1e-5));
      expect(Math.max(...theirs.map(Math.abs))).toBeGreaterThan(0.01);
    }
    for (const one of [pooled, predicted, bare, masked]) one.dispose();
  },
);
