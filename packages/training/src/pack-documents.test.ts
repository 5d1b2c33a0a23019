import { expect, test } from '@jest/globals';
import { packDocuments } from './pack-documents.js';

const [cls, sep] = [101, 102];
const pack = (documents: number[][], maxLength: number, dropLast = false) =>
  packDocuments(documents, { maxLength, clsTokenId: cls, sepTokenId: sep, dropLast }).map((block) =>
    Array.from(block),
  );

test('cuts a long document into full blocks and a rest', () => {
  expect(pack([[1, 2, 3, 4, 5, 6, 7]], 5)).toEqual([
    [cls, 1, 2, 3, sep],
    [cls, 4, 5, 6, sep],
    [cls, 7, sep],
  ]);
});

test('goes on with the next document after a separator', () => {
  expect(pack([[1, 2], [3], [4, 5, 6]], 7)).toEqual([
    [cls, 1, 2, sep, 3, sep], // one place is left, which no text fits between two separators
    [cls, 4, 5, 6, sep],
  ]);
  expect(
    pack(
      [
        [1, 2],
        [3, 4, 5],
      ],
      6,
    ),
  ).toEqual([
    [cls, 1, 2, sep, 3, sep],
    [cls, 4, 5, sep],
  ]);
});

test('a document that ends where the block ends needs no second separator', () => {
  expect(pack([[1, 2, 3], [4]], 5)).toEqual([
    [cls, 1, 2, 3, sep],
    [cls, 4, sep],
  ]);
});

test('loses nothing and keeps the order', () => {
  const documents = [[1], [2, 3, 4, 5, 6, 7, 8], [], [9, 10], [11, 12, 13, 14]];
  for (let maxLength = 3; maxLength < 20; maxLength++) {
    const blocks = pack(documents, maxLength);
    const text = blocks.flat().filter((id) => id < 100);
    expect(text).toEqual(documents.flat());
    for (const block of blocks) {
      expect(block.length).toBeLessThanOrEqual(maxLength);
      expect([block[0], block.at(-1)]).toEqual([cls, sep]);
      expect(block.join()).not.toContain('102,102');
    }
    for (const block of blocks.slice(0, -1)) {
      expect(block.length).toBeGreaterThanOrEqual(maxLength - 1);
    }
  }
});

test('dropLast leaves out a block that is not full', () => {
  expect(pack([[1, 2, 3, 4]], 5, true)).toEqual([[cls, 1, 2, 3, sep]]);
  expect(pack([[1, 2, 3, 4, 5, 6]], 5, true)).toHaveLength(2);
});

test('without special tokens the ids are only cut', () => {
  const blocks = packDocuments([Int32Array.of(1, 2, 3), [4, 5]], { maxLength: 2 });
  expect(blocks.map((block) => Array.from(block))).toEqual([[1, 2], [3, 4], [5]]);
  expect(packDocuments([[], []], { maxLength: 4, clsTokenId: cls, sepTokenId: sep })).toEqual([]);
});

test('refuses a length without room for text', () => {
  const options = { maxLength: 2, clsTokenId: cls, sepTokenId: sep };
  expect(() => packDocuments([[1]], options)).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION' }),
  );
});
