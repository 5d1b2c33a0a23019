import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from '@jest/globals';
import { loadTokenizer, type Tokenizer } from '@multihead/tokenizers';
import { cutAll, shownLength } from './cut.js';
import type { Done, Result } from './protocol.js';
import { segmentsOf } from './segments.js';
import { shelf } from './shelf.js';

const tokenizers = new Map<string, Tokenizer>();
beforeAll(async () => {
  for (const { id, folder } of shelf) {
    const source = fileURLToPath(new URL(`../../../../${folder}`, import.meta.url));
    tokenizers.set(id, await loadTokenizer(source));
  }
});

const done = (result: Result, id: string): Done => {
  const cut = result.cuts.find((one) => one.id === id);
  if (!cut || cut.failure) throw new Error(`${id} has not cut the text`);
  return cut;
};
const kinds = ({ tokens }: Done) =>
  tokens.filter(({ kind }) => kind !== 'text').map(({ piece, kind }) => `${piece} ${kind}`);

test('each token covers the characters that it stands for', () => {
  const text = 'The whalers, 12.5';
  const result = cutAll(tokenizers, text);
  const own = (id: string) => done(result, id).tokens.filter(({ kind }) => kind !== 'frame');
  for (const { piece, start, end } of own('word-piece')) {
    expect(text.slice(start, end).toLowerCase()).toBe(piece.replace(/^##/, ''));
  }
  for (const { piece, start, end } of own('classic-bpe')) {
    expect(text.slice(start, end).toLowerCase()).toBe(piece.replace('</w>', ''));
  }
  for (const { piece, start, end } of own('bpe')) {
    expect(text.slice(start, end)).toBe(piece.replace('Ġ', ' '));
  }
  expect(own('words').map(({ piece, start, end }) => [piece, text.slice(start, end)])).toEqual([
    ['The', 'The'],
    ['<unk>', 'whalers'],
    [',', ','],
    ['12', '12'],
    ['@.@', '.'],
    ['5', '5'],
  ]);
});

test('what stands around the text, is special in it, or unknown, is told apart', () => {
  const result = cutAll(tokenizers, 'a [MASK], a <unk>, 鲸');
  expect(kinds(done(result, 'word-piece'))).toEqual([
    '[CLS] frame',
    '[MASK] special',
    '[UNK] unknown',
    '[UNK] unknown',
    '[UNK] unknown',
    '[SEP] frame',
  ]);
  expect(done(result, 'word-piece')).toMatchObject({ frame: 2, unknown: 3 });
  const words = done(result, 'words');
  expect(kinds(words).filter((kind) => kind === '<unk> special')).toHaveLength(1);
  expect(words).toMatchObject({ frame: 0, unknown: kinds(words).length - 1 });
  expect(kinds(done(result, 'bpe'))).toEqual([]);
});

test('the bytes of a character share it', () => {
  const { tokens } = done(cutAll(tokenizers, 'go 😀'), 'bpe');
  const bytes = tokens.flatMap((token) => token.bytes ?? []);
  expect(bytes).toEqual([0xf0, 0x9f, 0x98, 0x80]);
  expect(segmentsOf(tokens, 5).at(-1)).toMatchObject({ start: 3, end: 5, tokens: { length: 4 } });
});

test('what comes back from the ids is compared with the text', () => {
  const result = cutAll(tokenizers, 'Whales swim.');
  expect(done(result, 'bpe').back).toEqual({ same: true, decoded: 'Whales swim.' });
  const { same, decoded, changes } = done(result, 'word-piece').back;
  expect({ same, decoded }).toEqual({ same: false, decoded: 'whales swim.' });
  expect(changes).toEqual([
    { kind: 'lost', text: 'Whales' },
    { kind: 'new', text: 'whales' },
    { kind: 'same', text: ' swim.' },
  ]);
});

test('of a long text the beginning is shown, and all of it counted', () => {
  const text = 'a whale, '.repeat(1000);
  const result = cutAll(tokenizers, text);
  expect(result.shown).toBeLessThanOrEqual(2000);
  expect(text[result.shown]).toBe(' ');
  const { tokens, count, frame } = done(result, 'word-piece');
  expect([count, frame]).toEqual([3002, 2]);
  expect(tokens.at(-1)!.start).toBeLessThan(result.shown);
  expect(tokens.filter(({ kind }) => kind === 'frame')).toHaveLength(1);
  expect(result).toMatchObject({ characters: 9000, bytes: 9000 });
});

test('no character is shown in part', () => {
  expect(shownLength(`${'x'.repeat(1999)}😀`)).toBe(1999);
  expect(shownLength('😀'.repeat(600))).toBe(1000);
  expect(shownLength('short')).toBe(5);
});

test('a text that one of them cannot cut is told in its place', async () => {
  const vocab = JSON.stringify({ a: 0 });
  const bare = await loadTokenizer({
    'tokenizer.json': `{"version":"1.0","model":{"type":"WordLevel","vocab":${vocab},"unk_token":"?"}}`,
  });
  const result = cutAll(new Map([...tokenizers, ['bare', bare]]), 'b');
  expect(result.cuts.at(-1)).toMatchObject({ id: 'bare', failure: { code: 'UNKNOWN_TOKEN' } });
  expect(done(result, 'bpe').count).toBe(1);
});

test('nothing is made of nothing', () => {
  const result = cutAll(tokenizers, '');
  expect(done(result, 'word-piece')).toMatchObject({ count: 2, frame: 2, unknown: 0 });
  expect(done(result, 'bpe')).toMatchObject({ count: 0, tokens: [], back: { same: true } });
});
