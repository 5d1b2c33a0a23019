import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from '@jest/globals';
import { loadFolder } from '@multihead/checkpoint';
import { type LoadReport, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import {
  GPT2Config,
  GPT2ForSequenceClassification,
  GPT2LMHeadModel,
  GPT2Model,
  OpenAIGPTLMHeadModel,
} from './index.js';
import { asHuggingFace } from './layouts.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
beforeAll(() => useWasm());

test('a bare model leaves a head out, a head makes its own, and the report says so', async () => {
  const reports: LoadReport[] = [];
  const onReport = (report: LoadReport) => void reports.push(report);
  const bare = await GPT2Model.fromPretrained(fixture('lm-untied-gelu'), { onReport });
  expect([...bare.parameters.keys()]).toContain('h.1.attn.c_attn.weight');
  await expect(GPT2ForSequenceClassification.fromPretrained(fixture('lm'))).rejects.toThrow(
    /lacks score\.weight/,
  );
  const classifier = await GPT2ForSequenceClassification.fromPretrained(fixture('lm'), {
    initializeMissing: true,
    onReport,
  });
  const headless = await GPT2LMHeadModel.fromPretrained(fixture('model'), { onReport });
  expect(reports).toEqual([
    { missing: [], unexpected: ['lm_head.weight'] },
    { missing: ['score.weight'], unexpected: [] },
    { missing: [], unexpected: [] },
  ]);
  for (const model of [bare, classifier, headless]) model.dispose();
});

test('nanoGPT’s folder looks like Hugging Face’s: configuration, names and shapes', async () => {
  const nano = await asHuggingFace(await loadFolder(fixture('lm-nanogpt')));
  expect(GPT2Config.fromJson(nano.config!)).toMatchObject({
    nPositions: 12,
    activationFunction: 'gelu',
    tieWordEmbeddings: true,
    residPdrop: 0,
    bosTokenId: null,
  });
  const names = await nano.names();
  expect(names.get('transformer.h.0.attn.c_attn.weight')!.shape).toEqual([16, 48]);
  const seen = new Set<string>();
  for await (const { name } of nano.tensors()) seen.add(name);
  expect(seen).toContain('transformer.ln_f.bias');
  expect([...seen].some((name) => name.startsWith('_orig_mod'))).toBe(false);
});

test('the file that nanoGPT leaves is read as it is', async () => {
  const before = tf.memory().numTensors;
  const ours = await GPT2LMHeadModel.fromPretrained(fixture('nanogpt-ckpt'));
  const theirs = await GPT2LMHeadModel.fromPretrained(fixture('lm-nanogpt'));
  expect({ ...ours.config }).toEqual({ ...theirs.config });
  expect([...ours.parameters.keys()].sort()).toEqual([...theirs.parameters.keys()].sort());
  for (const [key, parameter] of ours.parameters) {
    expect(await parameter.data()).toEqual(await theirs.parameters.get(key)!.data());
  }
  ours.dispose();
  theirs.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('a folder of another model is refused, and nothing stays on the backend', async () => {
  const before = tf.memory().numTensors;
  await expect(OpenAIGPTLMHeadModel.fromPretrained(fixture('lm'))).rejects.toMatchObject({
    code: 'BAD_CONFIG',
  });
  await expect(GPT2LMHeadModel.fromPretrained(fixture('openai-lm'))).rejects.toThrow(
    /supports only "gpt2"/,
  );
  expect(tf.memory().numTensors).toBe(before);
});

test('fresh weights are drawn as the paper says', () => {
  const config = new GPT2Config({ vocabSize: 500, nPositions: 64, nEmbd: 64, nLayer: 8, nHead: 2 });
  const model = new GPT2LMHeadModel(config, new Weights({ seed: 1 }));
  const deviation = (key: string) => {
    const values = Array.from(model.parameters.get(key)!.value.dataSync());
    return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  };
  expect(deviation('transformer.wte.weight')).toBeCloseTo(0.02, 3);
  expect(deviation('transformer.h.3.attn.c_attn.weight')).toBeCloseTo(0.02, 3);
  expect(deviation('transformer.h.3.attn.c_proj.weight')).toBeCloseTo(0.02 / 4, 3);
  expect(deviation('transformer.h.3.mlp.c_proj.weight')).toBeCloseTo(0.02 / 4, 3);
  expect(model.parameters.has('lm_head.weight')).toBe(false);
  model.dispose();
});
