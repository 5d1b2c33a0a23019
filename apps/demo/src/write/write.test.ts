import { beforeAll, expect, test } from '@jest/globals';
import { generate } from '@multihead/generation';
import { GPT2Config, GPT2LMHeadModel } from '@multihead/gpt';
import { softmax, Weights } from '@multihead/nn';
import { type Tokenizer, trainBpe } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { Settings } from './protocol.js';
import { Spelling } from './spelling.js';
import { look, type Written, write } from './write.js';

const text = 'the whalers met the ships, and the ships met the whalers';
const context = 12;
const usual = {
  temperature: 0.9,
  topK: 5,
  topP: 0.9,
  length: 6,
  onContextFull: 'stop' as const,
  seed: 3,
  pace: undefined,
};
let tokenizer: Tokenizer;
let model: GPT2LMHeadModel;

beforeAll(async () => {
  await useWasm();
  tokenizer = await trainBpe([text], { vocabSize: 280, specialTokens: ['<|endoftext|>'] });
  const end = tokenizer.tokenToId('<|endoftext|>')!;
  const sizes = { nPositions: context, nEmbd: 16, nLayer: 2, nHead: 2, initializerRange: 0.3 };
  const fields = { vocabSize: tokenizer.vocabSize, bosTokenId: end, eosTokenId: null, ...sizes };
  model = new GPT2LMHeadModel(new GPT2Config(fields), new Weights({ seed: 1 }));
});

async function run(
  ids: number[],
  settings: Partial<Settings> & { seed?: number } = {},
): Promise<Written[]> {
  const spelling = new Spelling(tokenizer);
  for (const id of ids) spelling.next(id);
  const steps: Written[] = [];
  for await (const step of write(model, spelling, ids, { ...usual, ...settings } as never)) {
    steps.push(step);
  }
  return steps;
}

const prompt = () => Array.from(tokenizer.encodeIds('the whalers'));

test('writes what generate does', async () => {
  const greedy = await generate(model, { inputIds: [prompt()] }, { maxNewTokens: 6 });
  const steps = await run(prompt(), { temperature: 0 });
  expect(steps.map(({ token }) => token.id)).toEqual(greedy.generated[0]);
  expect(steps.map(({ reason }) => reason)).toEqual([...Array(5).fill(undefined), 'length']);

  const { temperature, topK, topP, seed } = usual;
  const options = { doSample: true, temperature, topK, topP, seed, maxNewTokens: 6 };
  const drawn = await generate(model, { inputIds: [prompt()] }, options);
  expect((await run(prompt())).map(({ token }) => token.id)).toEqual(drawn.generated[0]);
});

test('each token has its probability, its chance and what else could have stood there', async () => {
  const ids = prompt();
  for (const { token } of await run(ids)) {
    using outputs = model.forward({ inputIds: [ids] });
    const [, length] = outputs.logits.shape as [number, number, number];
    const own = tf.tidy(() =>
      tf.squeeze(softmax(tf.slice(outputs.logits, [0, length - 1, 0], [1, 1, -1]))),
    );
    const probabilities = Array.from(own.dataSync());
    own.dispose();
    const byRank = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!);
    const { probability, chance, rank, candidates } = token.choice!;
    expect(probability).toBeCloseTo(probabilities[token.id]!, 5);
    expect(byRank[rank - 1]).toBe(token.id);
    expect(candidates.map(({ id }) => id)).toEqual(byRank.slice(0, 8));
    // Sharpened, then cut to five, then to nine tenths.
    const sharp = byRank.slice(0, 5).map((id) => probabilities[id]! ** (1 / 0.9));
    const sum = sharp.reduce((total, one) => total + one);
    let before = 0;
    const kept = sharp.filter((one) => {
      const isKept = before < 0.9 * sum;
      before += one;
      return isKept;
    });
    const chances = kept.map((one) => one / kept.reduce((total, other) => total + other));
    for (const [i, candidate] of candidates.entries()) {
      expect(candidate.chance).toBeCloseTo(chances[i] ?? 0, 4);
    }
    expect(chance).toBe(candidates[rank - 1]!.chance);
    ids.push(token.id);
  }
});

test('a full context stops the text, or slides as far as it says', async () => {
  const stopped = await run(prompt(), { length: 40 });
  expect(stopped.at(-1)!.reason).toBe('context');
  expect(prompt().length + stopped.length).toBe(context + 1);

  // What the model is given when it begins to read anew.
  const read: number[][] = [];
  const step = model.step;
  model.step = (ids, state, options) => {
    if (state.length === 0) read.push([...(ids as number[][])[0]!]);
    return step.call(model, ids, state, options);
  };
  const ids = prompt();
  const steps = await run(ids, { length: 30, onContextFull: 'slide' });
  model.step = step;
  const all = [...ids, ...steps.map(({ token }) => token.id)];
  const starts = [...new Set(steps.map(({ from }) => from))];
  expect(starts.length).toBeGreaterThan(3);
  expect(read).toEqual(
    starts.map((from) => all.slice(from, from + read[starts.indexOf(from)]!.length)),
  );
  const ends = starts.map((from) => ids.length + steps.findIndex((one) => one.from === from));
  expect(read.map(({ length }) => length)).toEqual(ends.map((end, i) => end - starts[i]!));
});

test('a beginning that is too long is refused, or its end is read', async () => {
  const long = Array.from(tokenizer.encodeIds(text.repeat(3)));
  await expect(run(long)).rejects.toMatchObject({ code: 'PROMPT_TOO_LONG' });
  const [first] = await run(long, { onContextFull: 'slide' });
  expect(first!.from).toBe(long.length - context);
});

test('the texts of the tokens are the text, and parts of a character are named by their bytes', () => {
  const spelling = new Spelling(tokenizer);
  const written = 'the ☂ whalers';
  const tokens = Array.from(tokenizer.encodeIds(written), (id) => spelling.next(id));
  expect(tokens.map((token) => token.text).join('')).toBe(written);
  expect(tokens.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['the', '⟨E2⟩', '⟨98⟩', '⟨82⟩']),
  );
  const end = spelling.next(tokenizer.tokenToId('<|endoftext|>')!);
  expect(end).toMatchObject({ text: '', name: '<|endoftext|>', special: true });
});

test('no token looks at what comes after it', async () => {
  const ids = Array.from({ length: 20 }, (_, i) => i);
  const { from, attention } = await look(model, ids, 3);
  expect(from).toBe(20 - context);
  expect(attention).toMatchObject({ layers: 2, heads: 2, length: context });
  for (let i = 0; i < attention.weights.length; i++) {
    const [row, column] = [Math.floor(i / context) % context, i % context];
    if (column > row) expect(attention.weights[i]).toBe(0);
  }
});

test('nothing is left in memory, after an abort neither', async () => {
  const before = tf.memory().numTensors;
  await run(prompt(), { length: 30, onContextFull: 'slide' });
  await look(model, prompt(), 0);
  const controller = new AbortController();
  const steps = write(model, new Spelling(tokenizer), prompt(), usual, controller.signal);
  await steps.next();
  controller.abort();
  await expect(steps.next()).rejects.toMatchObject({ code: 'ABORTED' });
  expect(tf.memory().numTensors).toBe(before);
});
