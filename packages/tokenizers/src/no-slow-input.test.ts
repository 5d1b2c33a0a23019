// Much of one kind is not too much (tiktoken #195 and #245, ai-tokenizer #6): each takes less than a
// second, where time that grew with the square of the length would take minutes.
import { describe, expect, test } from '@jest/globals';
import { BertTokenizer } from './bert-tokenizer.js';
import { loadTokenizer } from './load-tokenizer.js';
import type { Tokenizer } from './tokenizer.js';
import { trainBpe, trainClassicBpe } from './train-bpe.js';
import { TransfoXLTokenizer } from './transfo-xl-tokenizer.js';
import { wellFormed } from './unicode.js';

const SIZE = 5e5; // bytes
const PLENTY = 60_000; // ms, for a dozen tokenizers

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i)).join('');
const fill = (unit: string) => unit.repeat(Math.ceil(SIZE / new Blob([unit]).size));
const inputs: Record<string, string> = {
  'letters without a space': fill('abcdefghijklmnopqrstuvwxyz'),
  'one letter': fill('a'),
  zeros: fill('0'),
  spaces: fill(' '),
  newlines: fill('\n'),
  'one mark': `a${fill('\u0301')}`,
  'marks out of order': `a${fill('\u0301\u0323\u0334\u0345')}`,
  'every combining mark': fill(range(0x300, 0x36f)),
  emoji: fill(range(0x1f300, 0x1f5ff)),
  'emoji families': fill('👨‍👩‍👧‍👦'),
  'Hangul syllables': fill(range(0xac00, 0xd7a3)),
  'Hangul jamo': fill('\u1112\u1161\u11ab'),
  ideographs: fill(range(0x4e00, 0x9fff)),
  Thai: fill(range(0xe01, 0xe4e)),
  'right to left': fill('السماءצافيةהנהר'),
  punctuation: fill('!?.,;:^'),
  'lone surrogates': '\ud83d\ude42\ude42'.repeat(SIZE / 9),
  'capitals that lower to two': fill('İΣ'),
  'long words, all different': Array.from({ length: SIZE / 100 }, (_, i) =>
    (i * 7919).toString(26).padStart(99, 'q'),
  ).join(' '),
  'halves of special tokens': fill('[MA<|end'),
  mixed: fill('aé江\u0301🙂 한\n0-'),
};

const letters = [...range(0x61, 0x7a)];
const wordPiece = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...letters];
const whole = (json: object) =>
  loadTokenizer({
    'tokenizer.json': JSON.stringify({
      model: { type: 'WordLevel', vocab: { '<unk>': 0 }, unk_token: '<unk>' },
      ...json,
    }),
  });
const GPT4 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const tokenizers: Record<string, Tokenizer> = {
  WordPiece: BertTokenizer.fromVocab([...wordPiece, ...letters.map((letter) => `##${letter}`)]),
  'byte-level BPE': await trainBpe(['the river and the bridge', '00000000 aaaaaaaa'], {
    vocabSize: 290,
  }),
  'classic BPE': await trainClassicBpe(['the river and the bridge'], { vocabSize: 60 }),
  'word-level': TransfoXLTokenizer.fromVocab(['<unk>', '<eos>', 'a', '@-@']),
  ...Object.fromEntries(
    await Promise.all(
      ['NFC', 'NFD', 'NFKC', 'NFKD', 'StripAccents'].map(
        async (type) => [type, await whole({ normalizer: { type } })] as const,
      ),
    ),
  ),
  Split: await whole({
    pre_tokenizer: { type: 'Split', pattern: { Regex: GPT4 }, behavior: 'Isolated', invert: false },
  }),
  Metaspace: await whole({ pre_tokenizer: { type: 'Metaspace' } }),
};

describe('half a megabyte, by every family and the components that look across characters', () => {
  for (const [name, text] of Object.entries(inputs)) {
    test(
      name,
      () => {
        for (const [kind, tokenizer] of Object.entries(tokenizers)) {
          const { ids, offsets } = tokenizer.encode(text, { addSpecialTokens: false });
          const alone = tokenizer.encodeIds(text, { addSpecialTokens: false });
          expect([kind, ids.length]).toEqual([kind, alone.length]);
          expect([kind, (offsets.at(-1)?.[1] ?? 0) <= text.length]).toEqual([kind, true]);
        }
        const bpe = tokenizers['byte-level BPE']!;
        expect(bpe.decode(bpe.encodeIds(text)) === wellFormed(text)).toBe(true);
      },
      PLENTY,
    );
  }
});
