import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { BertTokenizer } from './bert-tokenizer.js';
import type { Encoding } from './encoding.js';
import { Tokenizer } from './tokenizer.js';

interface Row {
  ids: number[];
  offsets: number[];
  words: number[];
}
interface FullRow extends Row {
  types: number[];
  sequences: number[];
  attention: number[];
  special: number[];
  overflowing: FullRow[];
}
interface Case {
  text: string;
  pair: string | null;
  options: Record<string, unknown>;
  result?: FullRow;
  error?: string;
}
const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/word-piece.json', import.meta.url), 'utf8'),
) as {
  vocab: string[];
  texts: string[];
  settings: Record<string, { tokenizer: Record<string, unknown>; rows: Row[] }>;
  cases: Case[];
  batch: { texts: string[]; rows: FullRow[] };
  presplit: { words: string[]; result: Row };
  decoded: { ids: number[]; all: string; plain: string }[];
  added: { tokens: object[]; cases: ({ text: string; tokens: string[] } & Row)[] };
  bertProcessing: { post_processor: object; cases: Case[] };
};

/** The tokenizer of a setting, as its `tokenizer.json` describes it. */
function tokenizerOf(
  setting: string,
  change: Record<string, unknown> = {},
): Promise<BertTokenizer> {
  const { tokenizer } = fixture.settings[setting]!;
  const model = {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(fixture.vocab.map((token, id) => [token, id])),
  };
  return BertTokenizer.fromPretrained({
    'tokenizer.json': JSON.stringify({ ...tokenizer, model, ...change }),
  });
}

function rowOf(encoding: Encoding): Row {
  return {
    ids: encoding.ids,
    offsets: encoding.offsets.flat(),
    words: encoding.wordIds.map((word) => word ?? -1),
  };
}

function fullRowOf(encoding: Encoding): FullRow {
  return {
    ...rowOf(encoding),
    types: encoding.typeIds,
    sequences: encoding.sequenceIds.map((sequence) => sequence ?? -1),
    attention: encoding.attentionMask,
    special: encoding.specialTokensMask,
    overflowing: encoding.overflowing.map(fullRowOf),
  };
}

describe('equal to the reference: ids, offsets and words', () => {
  for (const setting of Object.keys(fixture.settings)) {
    const { rows } = fixture.settings[setting]!;
    test(`${rows.length} hard texts, ${setting}, by the fast path`, async () => {
      const tokenizer = await tokenizerOf(setting);
      expect(tokenizer.parts.chunkEnd).toBeDefined();
      // Twice: what the cache gives must be what was put in.
      for (let round = 0; round < 2; round++) {
        fixture.texts.forEach((text, i) => {
          expect({ text, ...rowOf(tokenizer.encode(text)) }).toEqual({ text, ...rows[i] });
        });
      }
    });

    test(`${rows.length} hard texts, ${setting}, step by step`, async () => {
      const { parts } = await tokenizerOf(setting);
      const tokenizer = new Tokenizer({ ...parts, chunkEnd: undefined });
      fixture.texts.forEach((text, i) => {
        expect({ text, ...rowOf(tokenizer.encode(text)) }).toEqual({ text, ...rows[i] });
      });
    });

    test(`ids alone, ${setting}`, async () => {
      const tokenizer = await tokenizerOf(setting);
      fixture.texts.forEach((text, i) => {
        expect(Array.from(tokenizer.encodeIds(text))).toEqual(rows[i]!.ids);
        const bare = tokenizer.encodeIds(text, { addSpecialTokens: false });
        expect(Array.from(bare)).toEqual(rows[i]!.ids.slice(1, -1));
      });
    });
  }

  test('a long text of all the hard ones is the sum of its parts', async () => {
    const tokenizer = await tokenizerOf('uncased');
    const parts = fixture.texts.flatMap((text) => tokenizer.encode(text).ids.slice(1, -1));
    const whole = tokenizer.encode(fixture.texts.join(' \n '), { addSpecialTokens: false });
    expect(whole.ids).toEqual(parts);
  });
});

describe('lone surrogates', () => {
  test('are as if they were U+FFFD, and keep the positions', async () => {
    const tokenizer = await tokenizerOf('unaccented');
    for (const text of ['a\ud800b', '\udc00', 'the \ud83d\ud83d\ude42 river', '\ude42\ud83d']) {
      const replaced = text.replace(/\ud800|^\udc00|\ud83d(?!\ude42)|(?<!\ud83d)\ude42/g, '\ufffd');
      expect(rowOf(tokenizer.encode(text))).toEqual(rowOf(tokenizer.encode(replaced)));
    }
    expect(tokenizer.encode('a\ud800b').offsets[1]).toEqual([0, 3]);
  });
});

describe('pairs, truncation and padding as the reference has them', () => {
  test(`${fixture.cases.length} cases`, async () => {
    const tokenizer = await tokenizerOf('uncased');
    for (const { text, pair, options, result, error } of fixture.cases) {
      const encode = () => tokenizer.encode(text, { ...options, pair: pair ?? undefined });
      if (error !== undefined) {
        expect(encode).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
        continue;
      }
      const expected = options.returnOverflowing ? result : { ...result, overflowing: [] };
      expect({ text, pair, options, ...fullRowOf(encode()) }).toEqual({
        text,
        pair,
        options,
        ...expected,
      });
    }
  });

  test('a batch is padded to its longest row', async () => {
    const batch = await (await tokenizerOf('uncased')).encodeBatch(fixture.batch.texts, {
      padding: 'longest',
    });
    expect(batch.encodings.map(fullRowOf)).toEqual(fixture.batch.rows);
    expect(batch.inputIds).toEqual(fixture.batch.rows.map((row) => row.ids));
    expect(batch.attentionMask).toEqual(fixture.batch.rows.map((row) => row.attention));
    expect(batch.tokenTypeIds).toEqual(fixture.batch.rows.map((row) => row.types));
  });

  test('pre-split words', async () => {
    const { words, result } = fixture.presplit;
    expect(rowOf((await tokenizerOf('uncased')).encode(words))).toEqual(result);
  });

  test('BertProcessing', async () => {
    const { post_processor, cases } = fixture.bertProcessing;
    const tokenizer = await tokenizerOf('uncased', { post_processor });
    for (const { text, pair, result } of cases) {
      expect(fullRowOf(tokenizer.encode(text, { pair: pair ?? undefined }))).toEqual(result);
    }
  });
});

test('added tokens: single word, stripping, normalized, longest first', async () => {
  const tokenizer = await tokenizerOf('uncased', { added_tokens: fixture.added.tokens });
  for (const { text, tokens, ...row } of fixture.added.cases) {
    const encoding = tokenizer.encode(text);
    expect({ text, tokens: encoding.tokens, ...rowOf(encoding) }).toEqual({ text, tokens, ...row });
  }
});

test('decoding', async () => {
  const tokenizer = await tokenizerOf('uncased');
  for (const { ids, all, plain } of fixture.decoded) {
    expect(tokenizer.decode(ids)).toBe(all);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(plain);
  }
});
