import { expect, test } from '@jest/globals';
import { type OwnFiles, tokenizerFiles } from './own-files.js';

const recognized = (names: string[], folder?: string) => {
  const found = tokenizerFiles(
    names.map((name) => new File(['x'], name)),
    folder,
  );
  return 'code' in found ? found.code : namesOf(found);
};
const namesOf = ({ files }: OwnFiles) =>
  Object.fromEntries([...files].map(([name, file]) => [name, file.name]));

test("a model's folder gives its tokenizer's files and no others", () => {
  const folder = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
  expect(recognized(folder)).toEqual({
    'tokenizer.json': 'tokenizer.json',
    'tokenizer_config.json': 'tokenizer_config.json',
  });
});

test('names may have more before them', () => {
  expect(recognized(['gpt2-vocab.json', 'gpt2-merges.txt'])).toEqual({
    'vocab.json': 'gpt2-vocab.json',
    'merges.txt': 'gpt2-merges.txt',
  });
  expect(recognized(['bert-base-uncased-vocab.txt'])).toEqual({
    'vocab.txt': 'bert-base-uncased-vocab.txt',
  });
  expect(recognized(['encoder.json', 'vocab.bpe'])).toEqual({
    'encoder.json': 'encoder.json',
    'vocab.bpe': 'vocab.bpe',
  });
});

test('a file that is alone may have any name', () => {
  expect(recognized(['llama.json'])).toEqual({ 'tokenizer.json': 'llama.json' });
  expect(recognized(['words.txt'])).toEqual({ 'vocab.txt': 'words.txt' });
});

test('a name that is right goes before one that has more', () => {
  expect(recognized(['old-vocab.txt', 'vocab.txt'])).toEqual({ 'vocab.txt': 'vocab.txt' });
});

test('what is no tokenizer is not taken for one', () => {
  expect(recognized(['photo.png'])).toBe('NO_TOKENIZER_FILES');
  expect(recognized(['merges.txt'])).toBe('NO_TOKENIZER_FILES');
  expect(recognized(['a.json', 'b.json'])).toBe('NO_TOKENIZER_FILES');
});

test('a panel is called after the folder, or the files', () => {
  const files = [new File([''], 'my-vocab.txt')];
  expect(tokenizerFiles(files)).toMatchObject({ title: 'my-vocab.txt' });
  expect(tokenizerFiles(files, 'my-bert')).toMatchObject({ title: 'my-bert' });
});
