import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Weights } from '@multihead/nn';
import { TransfoXLConfig, TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { memoryShare, rowWeights, seenFrom } from './crossing.js';
import { look, measure } from './measure.js';
import { type Race, SEGMENT } from './protocol.js';
import { race } from './race.js';

const vocabSize = 50;
const length = 3 * SEGMENT + 5;
const ids = Array.from({ length: length + 1 }, (_, i) => (i * i * 7 + 3 * i) % vocabSize);
const never = new AbortController().signal;
let model: TransfoXLLMHeadModel;

beforeAll(async () => {
  await useWasm();
  model = modelOf(7);
});

/** The same weights whatever it remembers. */
function modelOf(memLen: number): TransfoXLLMHeadModel {
  const sizes = { dModel: 16, dEmbed: 16, nHead: 2, dHead: 8, dInner: 32, nLayer: 2 };
  const lengths = { memLen, clampLen: -1, sameLength: false, emptyStart: true };
  const config = new TransfoXLConfig({ vocabSize, ...sizes, ...lengths, initStd: 0.3 });
  return new TransfoXLLMHeadModel(config, new Weights({ seed: 1 }));
}
afterAll(() => model.dispose());

/** Of what follows the last of these tokens, read at once and with nothing before them. */
function bitsAfter(tokens: readonly number[], next: number): number {
  const options = { memLen: 0, sameLength: false };
  using outputs = model.forward({ inputIds: [[...tokens]] }, options);
  const [rows] = outputs.logits.arraySync() as number[][][];
  return -rows!.at(-1)![next]! / Math.LN2;
}

test('without memory a token is foretold from its own segment alone', async () => {
  const bits = await measure(model, ids, 0, never);
  expect(bits.length).toBe(length);
  for (const token of [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 9, length - 1]) {
    const from = Math.floor(token / SEGMENT) * SEGMENT;
    const wanted = bitsAfter(ids.slice(from, token + 1), ids[token + 1]!);
    expect(bits[token]).toBeCloseTo(wanted, 4);
  }
});

test('with a memory as long as the text it is foretold from all before it', async () => {
  const bits = await measure(model, ids, 512, never);
  for (const token of [0, SEGMENT, 2 * SEGMENT + 9, length - 1]) {
    expect(bits[token]).toBeCloseTo(bitsAfter(ids.slice(0, token + 1), ids[token + 1]!), 4);
  }
});

test.each([8, 16, 32, 64, 128])(
  'with a memory of %i it costs what a model that generates with it says',
  async (memLen) => {
    const bits = await measure(model, ids, memLen, never);
    using remembers = modelOf(memLen);
    using state = remembers.createState({ batch: 1 });
    const wanted: number[] = [];
    for (let at = 0; at < length; at += SEGMENT) {
      const segment = ids.slice(at, Math.min(at + SEGMENT, length));
      using outputs = remembers.step([segment], state, { allLogits: true });
      const [rows] = outputs.logits.arraySync() as number[][][];
      wanted.push(...rows!.map((row, i) => -row[ids[at + i + 1]!]! / Math.LN2));
    }
    expect(wanted.length).toBe(length);
    for (const [token, one] of wanted.entries()) expect(bits[token]).toBeCloseTo(one, 4);
    // Another length would cost something else.
    const other = await measure(model, ids, memLen / 2, never);
    const apart = wanted.map((one, token) => Math.abs(one - other[token]!));
    expect(Math.max(...apart)).toBeGreaterThan(0.001);
  },
);

test('what a segment looks at is what attention over the whole text is', async () => {
  const view = look(model, ids, { memory: 512, segment: 2 });
  expect(view).toMatchObject({ remembered: 2 * SEGMENT, length: SEGMENT, layers: 2, heads: 2 });
  const options = { memLen: 0, sameLength: false, outputAttentions: true };
  using outputs = model.forward({ inputIds: [ids.slice(0, -1)] }, options);
  const row = 5;
  for (const [layer, head] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const [heads] = outputs.attentions![layer]!.arraySync() as number[][][][];
    const wanted = heads![head]![2 * SEGMENT + row]!;
    const weights = rowWeights(view, row, layer, head);
    for (const [key, weight] of weights.entries()) expect(weight).toBeCloseTo(wanted[key]!, 5);
    const across = wanted.slice(0, 2 * SEGMENT).reduce((sum, weight) => sum + weight, 0);
    expect(memoryShare(view, row, layer, head)).toBeCloseTo(across, 5);
    const { memory, segment } = seenFrom(view, row, weights);
    expect(memory.map(({ index }) => index)).toEqual(
      Array.from({ length: 2 * SEGMENT }, (_, i) => i - 1),
    );
    expect(segment.map(({ index }) => index)).toEqual(
      Array.from({ length: row + 1 }, (_, i) => 2 * SEGMENT - 1 + i),
    );
    expect(segment.at(-1)!.weight).toBeCloseTo(wanted[2 * SEGMENT + row]!, 5);
  }
});

test('a short memory is as much as is looked at', () => {
  const view = look(model, ids, { memory: 8, segment: 1 });
  expect(view.remembered).toBe(8);
  const { memory } = seenFrom(view, 0, rowWeights(view, 0, 'mean', 'mean'));
  expect(memory.map(({ index }) => index)).toEqual(
    Array.from({ length: 8 }, (_, i) => SEGMENT - 9 + i),
  );
  expect(look(model, ids, { memory: 0, segment: 1 }).remembered).toBe(0);
});

test('in a race both foretell every token after the lead, the window as a window does', async () => {
  const attention = 16;
  const standings: Race[] = [];
  for await (const one of race(model, ids, attention, never)) standings.push(one);
  const last = standings.at(-1)!;
  const tokens = length - attention;
  expect(last).toMatchObject({ attention, tokens, state: 'finished' });
  expect([last.memory.done, last.window.done]).toEqual([tokens, tokens]);
  expect(last.memory.measured).toBeGreaterThanOrEqual(tokens);
  expect(last.window.measured).toBe(tokens);
  let bits = 0;
  for (let token = attention; token < length; token++) {
    bits += bitsAfter(ids.slice(token - attention + 1, token + 1), ids[token + 1]!);
  }
  expect(last.window.nats / Math.LN2).toBeCloseTo(bits, 2);

  // With memory: the segments' losses, each with the one before it remembered.
  let mems = model.initMems(1, 0);
  let nats = 0;
  for (let at = 0; at < length; at += attention) {
    const inputs = { inputIds: [ids.slice(at, Math.min(at + attention, length))], mems };
    const targets = [ids.slice(at + 1, at + 1 + attention)];
    using outputs = model.forward(
      { ...inputs, targets },
      { memLen: attention, sameLength: true, extLen: 0 },
    );
    if (at > 0) nats += outputs.losses!.dataSync<'float32'>().reduce((sum, loss) => sum + loss, 0);
    tf.dispose(mems);
    mems = outputs.mems!.map((mem) => tf.clone(mem));
  }
  tf.dispose(mems);
  expect(last.memory.nats).toBeCloseTo(nats, 2);
});

test('a stopped race says how far it came, and a reading that is stopped says nothing', async () => {
  const controller = new AbortController();
  const states: string[] = [];
  for await (const { state } of race(model, ids, 16, controller.signal)) {
    states.push(state);
    if (states.length === 3) controller.abort();
  }
  expect(states).toEqual(['running', 'running', 'running', 'stopped']);
  await expect(measure(model, ids, 8, controller.signal)).rejects.toMatchObject({
    name: 'AbortError',
  });
});

test('nothing is left in memory, after an end in the midst of it neither', async () => {
  const before = tf.memory().numTensors;
  await measure(model, ids, 64, never);
  look(model, ids, { memory: 64, segment: 2 });
  for await (const _ of race(model, ids, 16, never));
  const controller = new AbortController();
  const measuring = measure(model, ids, 8, controller.signal);
  controller.abort();
  await expect(measuring).rejects.toThrow();
  for await (const { state } of race(model, ids, 16, never)) if (state === 'running') break;
  expect(() => look(model, [...ids, vocabSize], { memory: 8, segment: 3 })).toThrow(
    'must be from 0',
  );
  expect(tf.memory().numTensors).toBe(before);
});
