import { expect, test } from '@jest/globals';
import { type CausalLMExample, causalLMCollator } from './causal-lm-collator.js';

const collate = (
  examples: CausalLMExample[],
  options: Parameters<typeof causalLMCollator>[0] = {},
) => {
  const batch = causalLMCollator(options)(examples, []) as unknown as Record<string, Int32Array[]>;
  const plain = (rows: Int32Array[]) => rows.map((row) => Array.from(row));
  return Object.fromEntries(Object.entries(batch).map(([name, rows]) => [name, plain(rows)]));
};

test('texts of different lengths: padding has no label, the end of a text has one', () => {
  // 2 is both the end of a text and the padding.
  expect(
    collate(
      [
        [5, 2],
        [6, 7, 8, 2],
      ],
      { padTokenId: 2 },
    ),
  ).toEqual({
    inputIds: [
      [5, 2, 2, 2],
      [6, 7, 8, 2],
    ],
    attentionMask: [
      [1, 1, 0, 0],
      [1, 1, 1, 1],
    ],
    labels: [
      [5, 2, -100, -100],
      [6, 7, 8, 2],
    ],
  });
});

test('an example may bring labels of its own, and a mask', () => {
  const prompt = { inputIds: [5, 6, 7], labels: [-100, -100, 7] };
  const padded = { inputIds: [5, 6, 0], attentionMask: [1, 1, 0] };
  expect(collate([prompt, padded]).labels).toEqual([
    [-100, -100, 7],
    [5, 6, -100],
  ]);
});

test('rows are rounded up, and what does not fit is refused', () => {
  expect(collate([[1, 2, 3]], { padTokenId: 0, padToMultipleOf: 4 }).inputIds).toEqual([
    [1, 2, 3, 0],
  ]);
  expect(() => collate([[1, 2], [1]])).toThrow(/padTokenId/);
  expect(() => collate([[1, 2, 3]], { maxLength: 2 })).toThrow(/3 tokens and maxLength is 2/);
  expect(() => collate([{ inputIds: [1, 2], labels: [1] }])).toThrow(
    expect.objectContaining({ code: 'BAD_BATCH' }),
  );
});
