import { expect, test } from '@jest/globals';
import { classificationCollator } from './classification-collator.js';

const rows = (batch: { [name: string]: unknown }) =>
  Object.fromEntries(
    Object.entries(batch).map(([name, values]) => [
      name,
      (values as (number | Int32Array)[]).map((row) => (typeof row === 'number' ? row : [...row])),
    ]),
  );

test('pads to the longest text of the batch', async () => {
  const collate = classificationCollator({ padTokenId: 9 });
  const batch = await collate(
    [
      { inputIds: [2, 5, 3], tokenTypeIds: [0, 0, 1], label: 1 },
      { inputIds: Int32Array.of(2, 3), label: 0 },
    ],
    [],
  );
  expect(rows({ ...batch })).toEqual({
    inputIds: [
      [2, 5, 3],
      [2, 3, 9],
    ],
    attentionMask: [
      [1, 1, 1],
      [1, 1, 0],
    ],
    tokenTypeIds: [
      [0, 0, 1],
      [0, 0, 0],
    ],
    labels: [1, 0],
  });
});

test('knows no token types where there are none, rounds lengths up, takes several labels', async () => {
  const collate = classificationCollator({ padTokenId: 0, padToMultipleOf: 4 });
  const batch = await collate([{ inputIds: [7], attentionMask: [1], label: [0.5, 1] }], []);
  expect(rows({ ...batch })).toEqual({
    inputIds: [[7, 0, 0, 0]],
    attentionMask: [[1, 0, 0, 0]],
    labels: [[0.5, 1]],
  });
});

test.each([
  [[{ inputIds: [1, 2], tokenTypeIds: [0], label: 0 }], 'a column of 1'],
  [
    [
      { inputIds: [1, 2], label: 0 },
      { inputIds: [1], label: 0 },
    ],
    'give padTokenId',
  ],
])('refuses %j', (examples, message) => {
  expect(() => classificationCollator()(examples, [])).toThrow(
    expect.objectContaining({ code: 'BAD_BATCH', message: expect.stringContaining(message) }),
  );
});
