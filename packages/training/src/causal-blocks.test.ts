import { expect, test } from '@jest/globals';
import { causalBlocks } from './causal-blocks.js';

const blocks = (documents: number[][], options: Parameters<typeof causalBlocks>[1]) =>
  causalBlocks(documents, options).map((block) => Array.from(block));

test('documents stand end to end, each with its end, in blocks of one length', () => {
  const documents = [[1, 2, 3], [4], [], [5, 6, 7, 8]];
  expect(blocks(documents, { blockLength: 4, eosTokenId: 0 })).toEqual([
    [1, 2, 3, 0],
    [4, 0, 5, 6],
  ]);
  expect(blocks(documents, { blockLength: 4, eosTokenId: 0, dropLast: false })).toEqual([
    [1, 2, 3, 0],
    [4, 0, 5, 6],
    [7, 8, 0],
  ]);
  expect(blocks(documents, { blockLength: 4 })).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);
});

test('a rest of one token, which predicts nothing, is left out', () => {
  expect(blocks([[1, 2, 3]], { blockLength: 2, dropLast: false })).toEqual([[1, 2]]);
  expect(blocks([], { blockLength: 2, dropLast: false })).toEqual([]);
});

test('a block of one token is refused', () => {
  expect(() => causalBlocks([], { blockLength: 1 })).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION' }),
  );
});
