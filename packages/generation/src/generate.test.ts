import { expect, test } from '@jest/globals';
import { GPT2Tokenizer } from '@multihead/tokenizers';
import * as tf from '@tensorflow/tfjs-core';
import { expectCode } from '../test/rejects.js';
import { ToyModel } from '../test/toy-model.js';
import { generate } from './generate.js';
import type { GenerateOptions } from './options.js';

/** Greedy decoding by the book: no state, no batch. */
function greedy(model: ToyModel, prompt: number[], count: number): number[] {
  const ids = [...prompt];
  for (let i = 0; i < count; i++) {
    const logits = model.logits(ids);
    ids.push(logits.indexOf(Math.max(...logits)));
  }
  return ids.slice(prompt.length);
}

test('takes the most probable token each time', async () => {
  const model = new ToyModel({ seed: 3 });
  const output = await generate(model, { inputIds: [1, 2] }, { maxNewTokens: 15 });
  expect(output.generated).toEqual([greedy(model, [1, 2], 15)]);
  expect(output.sequences).toEqual([[1, 2, ...output.generated[0]!]]);
  expect(output.finishReasons).toEqual(['length']);
});

test('makes 20 tokens where nothing is said, and reads each token once', async () => {
  const model = new ToyModel();
  const { generated } = await generate(model, { inputIds: [1, 2, 3] });
  expect(generated[0]).toHaveLength(20);
  expect(model.reads).toBe(3 + 19);
});

test('prompts of different lengths are padded on the left and keep to themselves', async () => {
  const model = new ToyModel({ seed: 4 });
  const prompts = [[1, 2, 3, 4], [5], [6, 7]];
  const together = await generate(model, { inputIds: prompts }, { maxNewTokens: 9, padTokenId: 0 });
  prompts.forEach((prompt, i) => {
    expect(together.generated[i]).toEqual(greedy(model, prompt, 9));
  });
  expect(together.sequences[1]!.slice(0, 4)).toEqual([0, 0, 0, 5]);
  const inputIds = tf.tensor2d(
    [
      [1, 2, 3, 4],
      [9, 9, 9, 5],
      [9, 9, 6, 7],
    ],
    undefined,
    'int32',
  );
  const attentionMask = [
    [1, 1, 1, 1],
    [0, 0, 0, 1],
    [0, 0, 1, 1],
  ];
  const masked = await generate(model, { inputIds, attentionMask }, { maxNewTokens: 9 });
  inputIds.dispose();
  expect(masked.generated).toEqual(together.generated);
  const found = await generate(
    model,
    {
      inputIds: [
        [1, 2, 3, 4],
        [0, 0, 0, 5],
        [0, 0, 6, 7],
      ],
    },
    { maxNewTokens: 9, padTokenId: 0 },
  );
  expect(found.generated).toEqual(together.generated);
});

test('a text ends with its end token, and costs nothing more', async () => {
  const model = new ToyModel({ seed: 4 });
  const eos = greedy(model, [5], 9)[3]!;
  const stop = new ToyModel({ seed: 4, eos: [eos] });
  const { generated, finishReasons } = await generate(
    stop,
    { inputIds: [[5], [1]] },
    { maxNewTokens: 9 },
  );
  const wanted = [[5], [1]].map((prompt) => {
    const text = greedy(model, prompt, 9);
    const end = text.indexOf(eos);
    return end < 0 ? text : text.slice(0, end + 1);
  });
  expect(generated).toEqual(wanted);
  expect(finishReasons).toEqual(wanted.map((text) => (text.at(-1) === eos ? 'eos' : 'length')));
  expect(stop.reads).toBe(wanted.reduce((sum, { length }) => sum + length, 0));
  const none = await generate(stop, { inputIds: [5] }, { maxNewTokens: 9, eosTokenId: [] });
  expect(none.generated[0]).toHaveLength(9);
});

test('scores, logits and log-probabilities are those of the model', async () => {
  const model = new ToyModel();
  const wanted = { outputScores: true, outputLogits: true, outputLogProbabilities: true };
  const { generated, scores, logits, logProbabilities } = await generate(
    model,
    { inputIds: [1, 2] },
    { maxNewTokens: 4, repetitionPenalty: 3, ...wanted },
  );
  const seen = [1, 2];
  generated[0]!.forEach((token, i) => {
    const row = model.logits(seen);
    expect(Array.from(logits![0]![i]!)).toEqual(row);
    const penalised = row.map((x, id) =>
      seen.includes(id) ? Math.fround(x < 0 ? 3 * x : x / 3) : x,
    );
    expect(Array.from(scores![0]![i]!)).toEqual(penalised);
    const sum = row.reduce((all, x) => all + Math.exp(x), 0);
    expect(logProbabilities![0]![i]).toBeCloseTo(row[token]! - Math.log(sum), 6);
    seen.push(token);
  });
});

test('an empty prompt is the token that starts a text', async () => {
  const model = new ToyModel({ bos: 7 });
  const options = { maxNewTokens: 5 };
  const { sequences } = await generate(model, { inputIds: [] }, options);
  expect(sequences).toEqual([[7, ...greedy(model, [7], 5)]]);
  const mixed = await generate(model, { inputIds: [[], [1, 2]] }, options);
  expect(mixed.generated).toEqual([greedy(model, [7], 5), greedy(model, [1, 2], 5)]);
  await expectCode('EMPTY_PROMPT', () => generate(new ToyModel(), { inputIds: [] }));
  await expectCode('EMPTY_PROMPT', () =>
    generate(new ToyModel(), { inputIds: [[1], [0]], attentionMask: [[1], [0]] }),
  );
});

/** A tokenizer of the letters a to l and a byte or two. */
const letters = await GPT2Tokenizer.fromPretrained({
  'vocab.json': JSON.stringify(Object.fromEntries([...'abcdefghijĠÃ'].map((c, i) => [c, i]))),
  'merges.txt': '#version: 0.2\n',
});

test('a text ends with the token that completes a stop string, be it begun in the prompt', async () => {
  const model = new ToyModel({ logits: ([...seen]) => oneHot((seen.at(-1)! + 1) % 10) });
  const options = { maxNewTokens: 30, tokenizer: letters };
  const run = async (stopStrings: string | string[]) => {
    const output = await generate(model, { inputIds: [0, 1] }, { ...options, stopStrings });
    return [letters.decode(output.generated[0]!), output.finishReasons[0]];
  };
  expect(await run('efg')).toEqual(['cdefg', 'stopString']);
  expect(await run(['zz', 'bc', 'f'])).toEqual(['c', 'stopString']);
  expect(await run('ab')).toEqual(['cdefghijab', 'stopString']);
  expect((await run('zz'))[1]).toBe('length');
});

const oneHot = (token: number, vocabSize = 12) =>
  Array.from({ length: vocabSize }, (_, i) => (i === token ? 5 : 0));

test('what to do when the context is full', async () => {
  const seen: number[][] = [];
  const model = new ToyModel({
    contextLength: 6,
    logits: (row) => {
      seen.push([...row]);
      return oneHot((row.at(-1)! + 1) % 12);
    },
  });
  const run = (onContextFull?: 'stop' | 'slide' | 'error', extra?: GenerateOptions) =>
    generate(model, { inputIds: [[0, 1, 2], [0]] }, { maxNewTokens: 12, onContextFull, ...extra });
  const stopped = await run();
  expect(stopped.finishReasons).toEqual(['context', 'context']);
  expect(stopped.generated).toEqual([
    [3, 4, 5, 6],
    [1, 2, 3, 4, 5, 6],
  ]);
  await expectCode('CONTEXT_FULL', () => run('error'));
  await expectCode('CONTEXT_FULL', () => run('error', { numBeams: 2 }));
  expect((await run('error', { maxNewTokens: 4 })).finishReasons).toEqual(['length', 'length']);
  seen.length = 0;
  const slid = await run('slide');
  expect(slid.finishReasons).toEqual(['length', 'length']);
  expect(slid.generated[1]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0]);
  const firsts = seen.filter((_, i) => i % 2 === 0);
  expect(firsts.map(({ length }) => length)).toEqual([3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6]);
  expect(firsts[4]).toEqual([4, 5, 6]); // the newer half
  const beams = await run('stop', { numBeams: 2 });
  expect(beams.finishReasons).toEqual(['context', 'context']);
  expect(beams.generated[0]).toHaveLength(4);
  const slidBeams = await run('slide', { numBeams: 2 });
  expect(slidBeams.generated[1]).toEqual(slid.generated[1]);
});

test('a prompt longer than the context is an error, or read from its end', async () => {
  const model = new ToyModel({ contextLength: 4 });
  const long = { inputIds: [1, 2, 3, 4, 5] };
  await expectCode('PROMPT_TOO_LONG', () => generate(model, long));
  const { generated } = await generate(model, long, { onContextFull: 'slide', maxNewTokens: 9 });
  expect(generated[0]).toEqual(greedy(model, [4, 5], 9));
  const full = await generate(model, { inputIds: [1, 2, 3, 4] });
  expect(full.generated).toEqual([greedy(model, [3, 4], 1)]);
});

test('contrastive search weighs probability against likeness', async () => {
  const model = new ToyModel({ seed: 2 });
  const options = { maxNewTokens: 6, penaltyAlpha: 0.5, topK: 4 };
  const { generated } = await generate(model, { inputIds: [[1, 2, 3], [5]] }, options);
  const direction = (id: number) => {
    const vector = [Math.cos(id), Math.sin(id), 0.1 * id];
    return vector.map((x) => x / Math.hypot(...vector));
  };
  [[1, 2, 3], [5]].forEach((prompt, i) => {
    const ids = [...prompt];
    for (let step = 0; step < 6; step++) {
      const row = model.logits(ids);
      const sum = row.reduce((all, x) => all + Math.exp(x), 0);
      const candidates = row
        .map((_, id) => id)
        .sort((a, b) => row[b]! - row[a]!)
        .slice(0, 4);
      const value = (id: number) => {
        const likeness = ids.map((before) => {
          const [a, b] = [direction(id), direction(before)];
          return a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
        });
        return (0.5 * Math.exp(row[id]!)) / sum - 0.5 * Math.max(...likeness);
      };
      ids.push(candidates.reduce((best, id) => (value(id) > value(best) ? id : best)));
    }
    expect(generated[i]).toEqual(ids.slice(prompt.length));
  });
  const small = new ToyModel({ contextLength: 5 });
  const cut = await generate(small, { inputIds: [1, 2, 3] }, { ...options, maxNewTokens: 9 });
  expect([cut.generated[0]!.length, cut.finishReasons[0]]).toEqual([2, 'context']);
  const slid = await generate(
    small,
    { inputIds: [1, 2, 3] },
    { ...options, onContextFull: 'slide' },
  );
  expect(slid.generated[0]).toHaveLength(6);
});

test('own processors come between the built-in ones and those of drawing', async () => {
  const model = new ToyModel();
  const lengths: number[] = [];
  const only: GenerateOptions['logitsProcessors'] = [
    (scores, ids) => {
      lengths.push(ids.length);
      scores.fill(Number.NEGATIVE_INFINITY);
      scores[4] = 0;
    },
  ];
  const options = { logitsProcessors: only, doSample: true, maxNewTokens: 3 };
  const { generated } = await generate(model, { inputIds: [1, 2] }, options);
  expect([generated, lengths]).toEqual([[[4, 4, 4]], [2, 3, 4]]);
});

test('logits that are no numbers are an error that says where', async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const model = new ToyModel({
      logits: (seen) =>
        Array.from({ length: 12 }, (_, i) => (seen.length > 3 && i === 5 ? bad : i)),
    });
    const run = (options?: GenerateOptions) => generate(model, { inputIds: [1, 2] }, options);
    await expectCode('NON_FINITE_LOGITS', run);
    await expectCode('NON_FINITE_LOGITS', () => run({ numBeams: 3 }));
    await expect(run()).rejects.toThrow(/token 5 at position 4 of row 0/);
    const { generated } = await run({ removeInvalidValues: true, maxNewTokens: 3 });
    expect(generated[0]).toEqual(Number.isNaN(bad) ? [11, 11, 11] : [11, 11, 5]);
  }
});

test('options that rule out every token are an error', async () => {
  const model = new ToyModel({ vocabSize: 3 });
  const run = (options: GenerateOptions) => () => generate(model, { inputIds: [1] }, options);
  await expectCode('NO_TOKEN_LEFT', run({ suppressTokens: [0, 1, 2] }));
  await expectCode('NO_TOKEN_LEFT', run({ suppressTokens: [0, 1, 2], doSample: true }));
  await expectCode('NO_TOKEN_LEFT', run({ noRepeatNgramSize: 1 }));
  await expectCode('NO_TOKEN_LEFT', run({ suppressTokens: [0, 1, 2], numBeams: 2 }));
});

test('what a model throws comes through, and nothing leaks', async () => {
  const model = new ToyModel({
    logits: (seen) => {
      if (seen.length > 4) throw new Error('no more');
      return oneHot(1);
    },
  });
  const before = tf.memory().numTensors;
  await expect(generate(model, { inputIds: [1] })).rejects.toThrow('no more');
  await expect(generate(model, { inputIds: [1] }, { numBeams: 2 })).rejects.toThrow('no more');
  await generate(new ToyModel(), { inputIds: [1] });
  await generate(new ToyModel(), { inputIds: [1] }, { numBeams: 3 });
  expect(tf.memory().numTensors).toBe(before);
});
