import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { BertTokenizer } from './bert-tokenizer.js';
import { saveTokenizer, tokenizerFiles } from './write-files.js';

const VOCAB = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nriver\n##s\nThe\nun\n##paid\nbill\n.\n中\n';
const base = await BertTokenizer.fromPretrained({ 'vocab.txt': VOCAB });

/** Runs `use` with a new folder of these files. */
async function inFolder(files: Record<string, string>, use: (folder: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  try {
    for (const [name, content] of Object.entries(files))
      await writeFile(join(folder, name), content);
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('what an encoding has', () => {
  test('every column, and the names that models take', () => {
    const encoding = base.encode('The rivers', { pair: 'unpaid bill.' });
    expect(encoding.tokens).toEqual('[CLS] the river ##s [SEP] un ##paid bill . [SEP]'.split(' '));
    expect(encoding.ids).toEqual([2, 5, 6, 7, 3, 9, 10, 11, 12, 3]);
    expect(encoding.offsets[3]).toEqual([9, 10]);
    expect(encoding.wordIds).toEqual([null, 0, 1, 1, null, 0, 0, 1, 2, null]);
    expect(encoding.sequenceIds).toEqual([null, 0, 0, 0, null, 1, 1, 1, 1, null]);
    expect(encoding.tokenTypeIds).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    expect(encoding.attentionMask).toEqual(new Array(10).fill(1));
    expect(encoding.specialTokensMask).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    expect(encoding.inputIds).toBe(encoding.ids);
    expect(encoding).toHaveLength(10);
  });

  test('a batch has rows, pairs among them', () => {
    const batch = base.encodeBatch(['the', { text: 'the', pair: 'bill' }, ['the', 'rivers']], {
      padding: true,
    });
    expect(batch.inputIds).toEqual([
      [2, 5, 3, 0, 0],
      [2, 5, 3, 11, 3],
      [2, 5, 6, 7, 3],
    ]);
    expect(batch.tokenTypeIds[1]).toEqual([0, 0, 0, 1, 1]);
    expect(batch.attentionMask[0]).toEqual([1, 1, 1, 0, 0]);
    expect([...batch].map((encoding) => encoding.length)).toEqual([5, 5, 5]);
  });
});

describe('the vocabulary', () => {
  test('tokens by id and ids by token', () => {
    expect(base.vocabSize).toBe(14);
    expect(base.tokenToId('##s')).toBe(7);
    expect(base.tokenToId('nothing')).toBeUndefined();
    expect(base.idToToken(7)).toBe('##s');
    expect(base.idToToken(99)).toBeUndefined();
    expect([
      base.padTokenId,
      base.unkTokenId,
      base.clsTokenId,
      base.sepTokenId,
      base.maskTokenId,
    ]).toEqual([0, 1, 2, 3, 4]);
    expect(base.specialTokenIds).toEqual([0, 1, 2, 3, 4]);
  });

  test('an id that is not in it cannot be decoded', () => {
    for (const id of [14, -1, 1.5]) {
      expect(() => base.decode([5, id])).toThrow(
        expect.objectContaining({ code: 'ID_OUT_OF_RANGE' }),
      );
    }
  });

  test('decoding takes spaces out where it is told to', () => {
    expect(base.decode([5, 6, 12])).toBe('the river.');
    expect(base.decodeBatch([[5], [5, 6, 7]])).toEqual(['the', 'the rivers']);
  });
});

describe('options that cannot be met say so', () => {
  const bad: [string, object][] = [
    ['an unknown one', { maxlength: 3 }],
    ['no room for the special tokens', { maxLength: 1 }],
    ['a fraction', { maxLength: 2.5 }],
    ['a negative stride', { maxLength: 8, stride: -1 }],
    ['a strategy that does not exist', { truncation: 'only_third' }],
    ['truncation without a length', { truncation: true }],
    ['padding to no length', { padding: 'max_length' }],
    ['a multiple without padding', { padToMultipleOf: 8 }],
    ['a stride without truncation', { stride: 2, truncation: false }],
    ['a stride as long as what fits', { maxLength: 5, stride: 3 }],
    ['a pair to truncate without a pair', { maxLength: 4, truncation: 'only_second' }],
  ];
  for (const [name, options] of bad) {
    test(name, () => {
      expect(() => base.encode('the rivers the rivers', options)).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION' }),
      );
    });
  }

  test('a word without tokens in a vocabulary without [UNK]', async () => {
    const tokenizer = await BertTokenizer.fromPretrained({
      'tokenizer.json': JSON.stringify({
        model: { type: 'WordPiece', vocab: { the: 0 }, unk_token: '[UNK]' },
        pre_tokenizer: { type: 'BertPreTokenizer' },
      }),
    });
    expect(tokenizer.encode('the').ids).toEqual([0]);
    expect(() => tokenizer.encode('river')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_TOKEN', message: expect.stringContaining('river') }),
    );
  });
});

describe('reading', () => {
  test('vocab.txt with its tokenizer_config.json, and options over both', async () => {
    const config = JSON.stringify({ do_lower_case: false, model_max_length: 4 });
    const files = { 'vocab.txt': VOCAB, 'tokenizer_config.json': config };
    const cased = await BertTokenizer.fromPretrained(files);
    expect(cased.encode('The river').tokens).toEqual(['[CLS]', 'The', 'river', '[SEP]']);
    expect(cased.encode('the the the', { truncation: true })).toHaveLength(4);
    const lowered = await BertTokenizer.fromPretrained(files, { doLowerCase: true });
    expect(lowered.encode('The river').tokens).toEqual(['[CLS]', 'the', 'river', '[SEP]']);
    const chinese = await BertTokenizer.fromPretrained(files, { tokenizeChineseChars: false });
    expect(chinese.encode('中中').tokens).toEqual(['[CLS]', '[UNK]', '[SEP]']);
  });

  test('tokens with other names, from special_tokens_map.json', async () => {
    const tokenizer = await BertTokenizer.fromPretrained({
      'vocab.txt': '<pad>\n<unk>\n<s>\n</s>\n<mask>\na',
      'special_tokens_map.json': JSON.stringify({
        pad_token: '<pad>',
        unk_token: '<unk>',
        cls_token: { content: '<s>' },
        sep_token: '</s>',
        mask_token: '<mask>',
      }),
    });
    expect(tokenizer.encode('a <mask> b').ids).toEqual([2, 5, 4, 1, 3]);
    expect(tokenizer.maskTokenId).toBe(4);
  });

  test('Windows line ends, and no line end at the end', async () => {
    const tokenizer = await BertTokenizer.fromPretrained({
      'vocab.txt': VOCAB.trimEnd().replaceAll('\n', '\r\n'),
    });
    expect(tokenizer.vocab).toEqual(base.vocab);
  });

  test("the file's own truncation and padding hold unless the options say otherwise", async () => {
    const own = JSON.parse(tokenizerFiles(base)['tokenizer.json']!);
    own.truncation = { direction: 'Left', max_length: 4, strategy: 'LongestFirst', stride: 0 };
    own.padding = {
      strategy: { Fixed: 6 },
      direction: 'Left',
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: '[PAD]',
    };
    const text = JSON.stringify(own);
    const tokenizer = await BertTokenizer.fromPretrained({ 'tokenizer.json': text });
    expect(tokenizer.encode('the river bill.').ids).toEqual([0, 0, 2, 11, 12, 3]);
    expect(tokenizer.encode('the river bill.', { padding: false }).ids).toEqual([2, 11, 12, 3]);
    expect(tokenizer.encode('the river bill.', { truncation: false }).ids).toEqual([
      2, 5, 6, 11, 12, 3,
    ]);
    expect(tokenizer.encode('the', { paddingSide: 'right' }).ids).toEqual([2, 5, 3, 0, 0, 0]);
    const again = JSON.parse(tokenizerFiles(tokenizer)['tokenizer.json']!);
    expect(again).toEqual(own);
  });

  test('a component that BERT does not have is named', async () => {
    const own = JSON.parse(tokenizerFiles(base)['tokenizer.json']!);
    for (const [slot, type] of [
      ['normalizer', 'Precompiled'],
      ['pre_tokenizer', 'UnicodeScripts'],
      ['model', 'Unigram'],
      ['decoder', 'CTC'],
      ['post_processor', 'toString'],
    ] as const) {
      const text = JSON.stringify({ ...own, [slot]: { type } });
      await expect(BertTokenizer.fromPretrained({ 'tokenizer.json': text })).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringContaining(type),
      });
    }
  });

  test('files that are not what they should be', async () => {
    const page = '<!DOCTYPE html><html><body>Offline</body></html>';
    for (const files of [
      { 'tokenizer.json': page },
      { 'vocab.txt': page },
      { 'vocab.txt': VOCAB, 'tokenizer_config.json': page },
      { 'tokenizer.json': '{"model":' },
      { 'tokenizer.json': '[]' },
      { 'tokenizer.json': '{}' },
      { 'tokenizer.json': '{"model":{"type":"WordPiece","vocab":{"a":-1}}}' },
      { 'vocab.txt': '' },
      { 'vocab.txt': new Uint8Array([0xff, 0xfe, 0x61]) },
    ]) {
      await expect(BertTokenizer.fromPretrained(files)).rejects.toMatchObject({ code: 'BAD_FILE' });
    }
  });
});

describe('sources', () => {
  const text = 'The rivers, unpaid. [MASK]';
  const ids = base.encode(text).ids;

  test('a folder, its URL, a file in it', async () => {
    await inFolder(tokenizerFiles(base), async (folder) => {
      for (const source of [
        folder,
        `${folder}/`,
        pathToFileURL(folder),
        join(folder, 'tokenizer.json'),
        join(folder, 'vocab.txt'),
      ]) {
        const tokenizer = await BertTokenizer.fromPretrained(source);
        expect(tokenizer.encode(text).ids).toEqual(ids);
      }
    });
  });

  test('a function that reads files by name, and contents', async () => {
    const files = tokenizerFiles(base);
    const bytes = (name: string) =>
      name in files ? new TextEncoder().encode(files[name]) : undefined;
    const read = await BertTokenizer.fromPretrained(async (name) => bytes(name));
    expect(read.encode(text).ids).toEqual(ids);
    const given = await BertTokenizer.fromPretrained({ 'vocab.txt': files['vocab.txt'] });
    expect(given.encode(text).ids).toEqual(ids);
  });

  test('a server, also one that has vocab.txt only or answers with a page', async () => {
    const files = tokenizerFiles(base);
    const server = createServer(({ url = '' }, response) => {
      const [, kind, name = ''] = url.split('/');
      if (kind === 'broken') response.writeHead(500).end();
      else if (kind === 'page') response.end('<html>Sign in</html>');
      else if (name in files && (kind === 'all' || name === 'vocab.txt')) response.end(files[name]);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const root = `http://localhost:${(server.address() as AddressInfo).port}`;
    try {
      for (const kind of ['all', 'vocab']) {
        const tokenizer = await BertTokenizer.fromPretrained(`${root}/${kind}`);
        expect(tokenizer.encode(text).ids).toEqual(ids);
      }
      for (const [kind, code] of [
        ['page', 'BAD_FILE'],
        ['broken', 'NOT_FOUND'],
        ['none/x', 'NOT_FOUND'],
      ]) {
        await expect(BertTokenizer.fromPretrained(`${root}/${kind}`)).rejects.toMatchObject({
          code,
        });
      }
      await expect(
        BertTokenizer.fromPretrained(`${root}/all`, { signal: AbortSignal.abort() }),
      ).rejects.toMatchObject({ code: 'ABORTED' });
    } finally {
      server.close();
    }
  });

  test('a place where nothing is', async () => {
    await expect(BertTokenizer.fromPretrained('bert-base-uncased')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'bert-base-uncased: has none of tokenizer.json, vocab.txt',
    });
  });
});

test('save writes the files, and what is read from them is the same', async () => {
  await inFolder({}, async (parent) => {
    const folder = join(parent, 'new', 'folder');
    const tokenizer = await BertTokenizer.fromPretrained(
      { 'vocab.txt': VOCAB },
      { doLowerCase: false, modelMaxLength: 64 },
    );
    await saveTokenizer(tokenizer, folder);
    expect((await readdir(folder)).sort()).toEqual([
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.txt',
    ]);
    expect(await readFile(join(folder, 'vocab.txt'), 'utf8')).toBe(VOCAB);
    const again = await BertTokenizer.fromPretrained(folder);
    expect(tokenizerFiles(again)).toEqual(tokenizerFiles(tokenizer));
    expect(again.modelMaxLength).toBe(64);
  });
});
