import { beforeAll, expect, test } from '@jest/globals';
import { BertConfig, BertForMaskedLM } from '@multihead/bert';
import { BertTokenizer } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { analyze } from './analyze.js';

const vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'the', 'whale', '##r', '##s', 'ship'];
const tokenizer = BertTokenizer.fromVocab(vocab);
let model: BertForMaskedLM;

beforeAll(async () => {
  await useWasm();
  const sizes = { hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 16 };
  model = new BertForMaskedLM(
    new BertConfig({ vocabSize: vocab.length, maxPositionEmbeddings: 12, ...sizes }),
  );
});

test('tokens have their places in the text, and the parts of a word its number', async () => {
  const text = 'The whalers [MASK]';
  const { tokens, blanks, dropped } = await analyze(model, tokenizer, text);
  expect(tokens.map((token) => token.text)).toEqual([
    '[CLS]',
    'the',
    'whale',
    '##r',
    '##s',
    '[MASK]',
    '[SEP]',
  ]);
  expect(tokens.slice(1, -1).map(({ start, end }) => text.slice(start, end))).toEqual([
    'The',
    'whale',
    'r',
    's',
    '[MASK]',
  ]);
  expect(new Set(tokens.slice(2, 5).map(({ word }) => word)).size).toBe(1);
  expect([tokens[0]!.word, tokens.at(-1)!.word]).toEqual([null, null]);
  expect(blanks.map(({ position }) => position)).toEqual([5]);
  expect(dropped).toBe(0);
});

test('no special token is proposed for a blank', async () => {
  const { blanks } = await analyze(model, tokenizer, '[MASK] the [MASK]');
  for (const { candidates } of blanks) {
    const tokens = candidates.map(({ token }) => token);
    expect([...tokens].sort()).toEqual(['##r', '##s', 'ship', 'the', 'whale']);
  }
});

test('a text without a blank, and an empty one, have attention all the same', async () => {
  for (const text of ['the ship', '']) {
    const { blanks, attention, tokens } = await analyze(model, tokenizer, text);
    expect(blanks).toEqual([]);
    expect(attention).toMatchObject({ layers: 2, heads: 2, length: tokens.length });
    expect(attention.weights.length).toBe(2 * 2 * tokens.length ** 2);
  }
});

test('a text longer than the model reads is cut, and how much is told', async () => {
  const { tokens, dropped, blanks } = await analyze(model, tokenizer, 'ship '.repeat(20));
  expect(tokens.length).toBe(12);
  expect(tokens.at(-1)!.text).toBe('[SEP]');
  expect(dropped).toBe(10);
  expect(blanks).toEqual([]);
});

test('nothing is left in memory', async () => {
  await analyze(model, tokenizer, 'the [MASK]');
  const before = tf.memory().numTensors;
  for (let i = 0; i < 20; i++) await analyze(model, tokenizer, `${'the '.repeat(i)}[MASK]`);
  expect(tf.memory().numTensors).toBe(before);
});
