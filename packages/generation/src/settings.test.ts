import { expect, test } from '@jest/globals';
import { expectCode } from '../test/rejects.js';
import { ToyModel } from '../test/toy-model.js';
import { generate } from './generate.js';
import type { GenerateOptions } from './options.js';
import { stream } from './stream.js';

const model = new ToyModel({ eos: [5], contextLength: 40 });
const run = (options: object, inputIds: unknown = [1, 2], attentionMask?: number[][]) =>
  generate(model, { inputIds: inputIds as number[], attentionMask }, options as GenerateOptions);

test.each<[string, object]>([
  ['an unknown option', { topk: 5 }],
  ['a temperature of 0', { doSample: true, temperature: 0 }],
  ['a probability above 1', { doSample: true, topP: 1.1 }],
  ['half a token', { maxNewTokens: 2.5 }],
  ['no token at all', { maxNewTokens: 0 }],
  ['NaN', { numBeams: 2, lengthPenalty: Number.NaN }],
  ['an empty bad word', { badWordsIds: [[]] }],
  ['an empty stop string', { stopStrings: ['a', ''] }],
  ['another word', { onContextFull: 'wait' }],
  ['text in place of a number', { topK: '5', doSample: true }],
  ['null', { topK: null, doSample: true }],
  ['a seed that is no whole number', { seed: 0.5 }],
  ['a bias of infinity', { sequenceBias: [[[1], Number.POSITIVE_INFINITY]] }],
  ['a wrong value among the defaults', { generationConfig: { topK: -1 } }],
])('%s is refused', (_, options) => expectCode('BAD_OPTION', () => run(options)));

test.each<object>([
  { maxNewTokens: 5, maxLength: 9 },
  { minNewTokens: 2, minLength: 4 },
  { minNewTokens: 6, maxNewTokens: 5 },
  { minLength: 9, maxLength: 8 },
  { temperature: 0.5 },
  { topP: 0.5, numBeams: 2 },
  { topK: 4 },
  { lengthPenalty: 2 },
  { earlyStopping: true },
  { numBeamGroups: 2, diversityPenalty: 1 },
  { numBeams: 4, numBeamGroups: 2 },
  { numBeams: 4, diversityPenalty: 1 },
  { numBeams: 4, numBeamGroups: 3, diversityPenalty: 1 },
  { numBeams: 4, numBeamGroups: 2, diversityPenalty: 1, doSample: true },
  { numBeams: 4, numReturnSequences: 5 },
  { numReturnSequences: 2 },
  { stopStrings: 'a' },
  { penaltyAlpha: 0.5 },
  { penaltyAlpha: 0.5, topK: 1 },
  { penaltyAlpha: 0.5, topK: 4, doSample: true },
  { penaltyAlpha: 0.5, topK: 4, numBeams: 2 },
  { forcedBosTokenId: 3 },
])('%j is a contradiction', (options) => expectCode('CONTRADICTION', () => run(options)));

test('values that change nothing may stand anywhere', async () => {
  const neutral = { temperature: 1, topK: 50, topP: 1, lengthPenalty: 1, numBeamGroups: 1 };
  expect((await run(neutral)).generated).toEqual((await run({})).generated);
});

test.each<object>([
  { eosTokenId: 12 },
  { eosTokenId: [3, 99] },
  { padTokenId: 12 },
  { badWordsIds: [[1], [2, 12]] },
  { sequenceBias: [[[1, 12], 1]] },
  { forcedEosTokenId: 12 },
  { suppressTokens: [12] },
])('%j names a token there is none of', (options) =>
  expectCode('UNKNOWN_TOKEN', () => run(options)),
);

test.each<[string, unknown, number[][] | undefined]>([
  ['an id out of range', [1, 12], undefined],
  ['half an id', [1.5], undefined],
  ['text', 'abc', undefined],
  ['a row that is none', [[1], 2], undefined],
  ['nothing', undefined, undefined],
  ['padding on the right', [[1, 2, 0]], [[1, 1, 0]]],
  ['a hole', [[1, 2, 3]], [[1, 0, 1]]],
  ['a mask of another length', [[1, 2, 3]], [[1, 1]]],
  [
    'a mask of more rows',
    [[1, 2]],
    [
      [1, 1],
      [1, 1],
    ],
  ],
])('%s is no prompt', (_, ids, mask) =>
  expectCode('BAD_INPUT', () => run({}, (ids as number[] | undefined) ?? null, mask)),
);

test('prompts as long as maxLength, or longer', async () => {
  await expectCode('PROMPT_TOO_LONG', () => run({ maxLength: 2 }));
  expect((await run({ maxLength: 3 })).generated[0]).toHaveLength(1);
});

test('a stream is refused at once, not when it is first read', () => {
  const start = (options: GenerateOptions) => () => stream(model, { inputIds: [1] }, options);
  expect(start({ temperature: 2 })).toThrow(expect.objectContaining({ code: 'CONTRADICTION' }));
  expect(start({ numBeams: 2 })).toThrow(expect.objectContaining({ code: 'CONTRADICTION' }));
});

test('options go before defaults, which have no say where they contradict them', async () => {
  const generationConfig = {
    doSample: true,
    temperature: 0.5,
    topK: 3,
    maxLength: 30,
    minLength: 3,
  };
  const greedy = await run({ generationConfig, doSample: false, maxNewTokens: 4 });
  expect(greedy.generated).toEqual((await run({ maxNewTokens: 4 })).generated);
  const drawn = await run({ generationConfig, seed: 1, topK: 5 });
  const same = { doSample: true, temperature: 0.5, topK: 5, maxLength: 30, minLength: 3, seed: 1 };
  expect(drawn.generated).toEqual((await run(same)).generated);
  const beams = { numBeams: 3, earlyStopping: true, lengthPenalty: 2 };
  expect((await run({ generationConfig: beams, numBeams: 1 })).generated).toEqual(
    (await run({})).generated,
  );
});
