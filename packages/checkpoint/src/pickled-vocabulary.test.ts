import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { pickleOf, textOf } from '../test/pickle-writer.js';
import { type PickledObject, type PickleValue, readPickledVocabulary, readTorch } from './index.js';

const fixture = (name: string) =>
  readFile(new URL(`../fixtures/vocabulary/${name}`, import.meta.url));
const words = JSON.parse(
  await readFile(new URL('../fixtures/vocabulary/words.json', import.meta.url), 'utf8'),
);

test.each([
  ['Hugging Face’s tokenizer', 'vocab.pkl', false],
  ['torch.save', 'vocab.bin', true],
  ['torch.save before 1.6', 'vocab-legacy.bin', true],
  ['the original’s corpus', 'cache.pt', true],
  ['the original’s corpus of TensorFlow, with arrays of numpy', 'cache.pkl', true],
])('the words that %s saved', async (_, name, lowerCase) => {
  const bytes = await fixture(name);
  const expected = { words, lowerCase, unkToken: '<unk>' };
  expect(await readPickledVocabulary(bytes, { file: name })).toEqual(expected);
  expect(await readPickledVocabulary(new Blob([bytes]))).toEqual(expected);
});

test('an array of numpy is a record, which nothing is made of', async () => {
  const { value } = await readTorch(await fixture('cache.pkl'));
  const train = (value as PickledObject).state.get('train') as PickledObject;
  expect(train.className).toBe('numpy.ndarray');
  const [version, shape, , fortran, data] = train.state.get('__setstate__') as PickleValue[];
  expect([version, shape, fortran]).toEqual([1, [5], false]);
  expect([...new BigInt64Array(new Uint8Array(data as Uint8Array).buffer)]).toEqual([
    0n,
    1n,
    2n,
    3n,
    4n,
  ]);
});

test('a dict of ids by word, in whatever order, and a list of words', async () => {
  const dict = pickleOf('}(', textOf('b'), 'K', 1, textOf('a'), 'K', 0, 'u.');
  const list = pickleOf(0x80, 2, '](', textOf('a'), textOf('b'), 'e.');
  for (const pickle of [pickleOf(0x80, 2, dict), list]) {
    expect(await readPickledVocabulary(pickle)).toEqual({
      words: ['a', 'b'],
      lowerCase: undefined,
      unkToken: undefined,
    });
  }
});

test('what stands for unknown words is what the file says, or else the word of that name', async () => {
  const list = (...words: string[]) =>
    pickleOf('](', ...words.flatMap((word) => textOf(word)), 'e');
  const unknown = async (...pickle: Parameters<typeof pickleOf>) =>
    (await readPickledVocabulary(pickleOf(0x80, 2, ...pickle, '.'))).unkToken;
  expect(await unknown(list('a', '<UNK>'))).toBe('<UNK>');
  expect(await unknown(list('<UNK>', '<unk>'))).toBe('<unk>');
  const both = list('<unk>', '<UNK>');
  const words = ['}(', textOf('idx2sym'), both] as const;
  expect(await unknown(...words, textOf('unk_idx'), 'K', 1, 'u')).toBe('<UNK>');
});

test.each([
  ['no words', pickleOf(0x80, 2, '}.'), 'BAD_PICKLE', 'no list of words'],
  [
    'ids with a gap',
    pickleOf(0x80, 2, '}(', textOf('a'), 'K', 0, textOf('b'), 'K', 2, 'u.'),
    'BAD_PICKLE',
    'no list',
  ],
  [
    'two words with one id',
    pickleOf(0x80, 2, '}(', textOf('a'), 'K', 0, textOf('b'), 'K', 0, 'u.'),
    'BAD_PICKLE',
    'no list',
  ],
  [
    'a word twice',
    pickleOf(0x80, 2, '](', textOf('a'), textOf('a'), 'e.'),
    'BAD_PICKLE',
    '"a" has two ids',
  ],
  [
    'what is no word',
    pickleOf(0x80, 2, '](', textOf('a'), 'Ne.'),
    'BAD_PICKLE',
    'an id has no word',
  ],
  [
    'a call',
    pickleOf(0x80, 2, 'cos\nsystem\n', textOf('true'), 0x85, 'R.'),
    'PICKLE_REFUSED',
    '"os.system"',
  ],
  ['text', pickleOf('the\ncat\n'), 'BAD_PICKLE', 'evil.pkl'],
])('%s is refused', async (_, pickle, code, message) => {
  const reading = readPickledVocabulary(pickle, { file: 'evil.pkl' });
  await expect(reading).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});
