import { expect, test } from '@jest/globals';
import { trainBpe } from '@multihead/tokenizers';
import * as tf from '@tensorflow/tfjs-core';
import { ToyModel } from '../test/toy-model.js';
import { generate } from './generate.js';
import type { GenerateOptions } from './options.js';
import { stream } from './stream.js';

const inputs = { inputIds: [[1, 2], [3]] };

test.each<GenerateOptions>([
  {},
  { doSample: true, seed: 3, numReturnSequences: 3, eosTokenId: [4, 6] },
  { penaltyAlpha: 0.4, topK: 3, eosTokenId: 4 },
])('%j streams the texts of generate', async (options) => {
  const model = new ToyModel();
  const all = { maxNewTokens: 12, outputLogProbabilities: true, ...options };
  const whole = await generate(model, inputs, all);
  const texts: number[][] = whole.generated.map(() => []);
  const probabilities: number[][] = whole.generated.map(() => []);
  const reasons: unknown[] = [];
  for await (const { row, token, logProbability, finishReason } of stream(model, inputs, all)) {
    texts[row]!.push(token);
    probabilities[row]!.push(logProbability!);
    if (finishReason) reasons[row] = finishReason;
  }
  expect(texts).toEqual(whole.generated);
  expect(probabilities).toEqual(whole.logProbabilities);
  expect(reasons).toEqual(whole.finishReasons);
});

test('the text of a stream is the text of its tokens, never half a character', async () => {
  const lines = ['Ein Fluß — viele Flüsse 🐟🐟, grün und träge.', 'Der Fluß fließt träge 🐟.'];
  const tokenizer = await trainBpe(lines, { vocabSize: 270, specialTokens: ['<end>'] });
  const ids = Array.from(tokenizer.encodeIds(lines[0]!));
  const end = tokenizer.tokenToId('<end>')!;
  const text = [...ids, end];
  const model = new ToyModel({
    vocabSize: tokenizer.vocabSize,
    logits: (seen) =>
      Array.from({ length: tokenizer.vocabSize }, (_, i) => (i === text[seen.length] ? 1 : 0)),
  });
  const run = async (options: GenerateOptions) => {
    const pieces: string[] = [];
    const all = { tokenizer, maxNewTokens: 300, ...options };
    for await (const piece of stream(model, { inputIds: [ids[0]!] }, all)) pieces.push(piece.text!);
    return pieces;
  };
  const pieces = await run({ eosTokenId: end });
  expect(pieces.join('')).toBe(tokenizer.decode(ids.slice(1)));
  expect(pieces.some((piece) => piece.includes('\uFFFD'))).toBe(false);
  expect((await run({ eosTokenId: end, skipSpecialTokens: false })).join('')).toMatch(/<end>$/);
  // Cut in the middle of a character, the rest comes out as it can.
  const fish = [...ids.keys()].find((i) =>
    tokenizer.decode(ids.slice(1, i + 1)).endsWith('\uFFFD'),
  )!;
  expect((await run({ maxNewTokens: fish })).join('')).toBe(
    tokenizer.decode(ids.slice(1, fish + 1)),
  );
});

test('what a tokenizer gives is a prompt, one or several', async () => {
  const tokenizer = await trainBpe(['grün und träge'], { vocabSize: 260 });
  const model = new ToyModel({ vocabSize: tokenizer.vocabSize });
  const options = { maxNewTokens: 3 };
  const one = await generate(model, tokenizer.encode('grün'), options);
  expect(one.sequences[0]!.slice(0, -3)).toEqual(Array.from(tokenizer.encodeIds('grün')));
  const batch = tokenizer.encodeBatch(['und grün', 'grün']);
  const two = await generate(model, { inputIds: batch.inputIds }, options);
  expect(two.generated[1]).toEqual(one.generated[0]);
});

test('a stream that is not read computes nothing, and one that is left frees everything', async () => {
  const model = new ToyModel();
  const before = tf.memory().numTensors;
  const tokens = stream(model, inputs, { maxNewTokens: 50 });
  expect(model.reads).toBe(0);
  for (let i = 0; i < 4; i++) await tokens.next();
  const reads = model.reads;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(model.reads).toBe(reads); // a pause
  expect(tf.memory().numTensors).toBeGreaterThan(before);
  await tokens.return();
  expect(tf.memory().numTensors).toBe(before);
  for await (const { token } of stream(model, inputs)) if (token >= 0) break;
  expect(tf.memory().numTensors).toBe(before);
  await expect(
    (async () => {
      for await (const _ of stream(model, inputs)) throw new Error('the reader fails');
    })(),
  ).rejects.toThrow('the reader fails');
  expect(tf.memory().numTensors).toBe(before);
  void stream(model, inputs); // never begun
  expect(tf.memory().numTensors).toBe(before);
});

test.each<GenerateOptions>([{}, { penaltyAlpha: 0.4, topK: 3 }])(
  'an abort frees everything, in a pause too: %j',
  async (options) => {
    const model = new ToyModel();
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const { signal } = controller;
    const prompts = { inputIds: [[1], [2], [3]] };
    const tokens = stream(model, prompts, { ...options, maxNewTokens: 50, signal });
    for (let i = 0; i < 4; i++) await tokens.next();
    controller.abort('enough');
    expect(tf.memory().numTensors).toBe(before);
    const error = await tokens.next().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(tf.memory().numTensors).toBe(before);
  },
);

test.each<GenerateOptions>([{}, { numBeams: 3 }, { penaltyAlpha: 0.4, topK: 3 }])(
  'a timer can abort generate: %j',
  async (options) => {
    const model = new ToyModel();
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('late')), 15);
    const all = { ...options, maxNewTokens: 1e7, signal: controller.signal };
    const error = await generate(model, { inputIds: [1] }, all).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ABORTED', cause: { message: 'late' } });
    expect(tf.memory().numTensors).toBe(before);
    const reads = model.reads;
    await expect(generate(model, { inputIds: [1] }, all)).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(model.reads).toBe(reads); // aborted before it began
  },
);
