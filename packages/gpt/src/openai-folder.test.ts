import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadFolder, readSafetensors, toFloat32, toInt32 } from '@multihead/checkpoint';
import { GPT2Tokenizer } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { GPT2LMHeadModel, GPT2Model } from './index.js';
import { asHuggingFace } from './layouts.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const shared = fileURLToPath(
  new URL('../../../../shared/data/weights/gpt2-tf-fixture', import.meta.url),
);
beforeAll(() => useWasm());

describe('OpenAI’s folder, written by TensorFlow with the weights of another', () => {
  test('has the weights of the other, to the last bit', async () => {
    const before = tf.memory().numTensors;
    const ours = await GPT2LMHeadModel.fromPretrained(fixture('openai-tensorflow'));
    const theirs = await GPT2LMHeadModel.fromPretrained(fixture('lm'));
    expect([...ours.parameters.keys()]).toEqual([...theirs.parameters.keys()]);
    for (const [key, parameter] of ours.parameters) {
      expect(await parameter.data()).toEqual(await theirs.parameters.get(key)!.data());
    }
    const { bosTokenId, eosTokenId, nPositions, nHead, vocabSize } = ours.config;
    expect({ nPositions, nHead, vocabSize }).toEqual({
      nPositions: theirs.config.nPositions,
      nHead: theirs.config.nHead,
      vocabSize: theirs.config.vocabSize,
    });
    expect([bosTokenId, eosTokenId]).toEqual([39, 39]);
    ours.dispose();
    theirs.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('the names and shapes are those of the tensors, and a bare model takes them', async () => {
    const folder = await asHuggingFace(await loadFolder(fixture('openai-tensorflow')));
    const names = await folder.names();
    for await (const { name, dtype, shape } of folder.tensors()) {
      expect(names.get(name)).toEqual({ dtype, shape });
    }
    expect(names.get('transformer.h.1.mlp.c_fc.weight')?.shape).toEqual([16, 64]);
    const bare = await GPT2Model.fromPretrained(fixture('openai-tensorflow'));
    expect(bare.parameters.has('h.0.attn.c_attn.weight')).toBe(true);
    bare.dispose();
  });

  test('the tokenizer reads encoder.json and vocab.bpe', async () => {
    const tokenizer = await GPT2Tokenizer.fromPretrained(fixture('openai-tensorflow'));
    const { tokens, ids } = tokenizer.encode('hello world<|endoftext|>');
    expect(tokens).toEqual(['hello', 'Ġw', 'or', 'l', 'd', '<|endoftext|>']);
    expect(ids.at(-1)).toBe(39);
  });
});

// Files of others, which stand beside the repository or nowhere.
(existsSync(shared) ? test : test.skip)(
  'a checkpoint of others gives what transformers gives',
  async () => {
    const stored = await readSafetensors(await readFile(fixture('shared-gpt2.safetensors')));
    const expected = new Map<string, Parameters<typeof toFloat32>[0]>();
    for await (const tensor of stored.tensors()) expected.set(tensor.name, tensor);
    const flat = [...toInt32(expected.get('input_ids')!)];
    const model = await GPT2LMHeadModel.fromPretrained(shared);
    const outputs = model.forward({ inputIds: [flat.slice(0, 7), flat.slice(7)] });
    const every = tf.tidy(() => tf.stridedSlice(outputs.logits, [0, 0, 0], [2, 7, 356], [1, 3, 1]));
    const [ours, theirs] = [await every.data(), toFloat32(expected.get('logits')!)];
    expect(ours).toHaveLength(theirs.length);
    for (let i = 0; i < theirs.length; i++)
      expect(Math.abs(ours[i]! - theirs[i]!)).toBeLessThan(1e-5);
    expect(Math.max(...theirs)).toBeGreaterThan(0.01);
    every.dispose();
    outputs.dispose();
    model.dispose();
  },
);
