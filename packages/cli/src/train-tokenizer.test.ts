import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Folder, folderWithTokenizer, jsonLines } from '../test/multihead.js';

interface Run {
  options: {
    kind?: string;
    vocab_size: number;
    min_frequency?: number;
    max_token_length?: number;
    limit_alphabet?: number;
    initial_alphabet?: string[];
    suffix?: string;
  };
  vocab: string[];
  merges?: [string, string][] | null;
}

/** What Hugging Face's Rust library learned, from tooling/reference/tokenizers_fixtures.py. */
const learned = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../tokenizers/fixtures/${name}.json`, import.meta.url), 'utf8'),
  ) as { lines: string[]; repeats: number[]; runs: Run[] };
const merges = learned('training');
const pieces = learned('word-piece-training');
const { words } = JSON.parse(
  readFileSync(new URL('../fixtures/tokenize.json', import.meta.url), 'utf8'),
) as { words: { lines: string[]; vocab: string[] } };

const corpusOf = ({ lines, repeats }: { lines: string[]; repeats: number[] }) =>
  lines
    .flatMap((line, i) =>
      Array.from({ length: repeats[i]! }, (_, k) => (k % 5 === 4 ? line.toUpperCase() : line)),
    )
    .join('\n');

let folder: Folder;
beforeAll(async () => {
  folder = await folderWithTokenizer();
  folder.write('corpus.txt', corpusOf(merges));
  folder.write('pieces.txt', corpusOf(pieces));
  folder.write('words.txt', words.lines.join('\n'));
});
afterAll(() => folder.remove());

function flagsOf({ options }: Run): string[] {
  const { vocab_size, min_frequency, max_token_length, limit_alphabet, initial_alphabet } = options;
  const flags = {
    'vocab-size': vocab_size,
    'min-frequency': min_frequency,
    'max-token-length': max_token_length,
    'limit-alphabet': limit_alphabet,
    'initial-alphabet': initial_alphabet?.map((entry) => entry[0]).join(''),
  };
  return Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
}

describe('learns what the reference learns', () => {
  const train = (file: string, out: string, ...flags: string[]) =>
    folder.ok(['train-tokenizer', file, '-o', out, '-q', ...flags]);

  test.each(
    merges.runs
      .filter(({ options }) => options.kind === 'byte-level')
      .map((run) => [flagsOf(run).join(' '), run] as const),
  )('bpe %s', async (_, run) => {
    await train('corpus.txt', 'bpe', '--type', 'bpe', ...flagsOf(run));
    const vocab = Object.entries<number>(JSON.parse(folder.read('bpe/vocab.json')));
    expect(vocab.sort((a, b) => a[1] - b[1]).map(([token]) => token)).toEqual(run.vocab);
    const lines = folder.read('bpe/merges.txt').trimEnd().split('\n').slice(1);
    expect(lines).toEqual(run.merges!.map((pair) => pair.join(' ')));
  });

  test('classic-bpe', async () => {
    const run = merges.runs.find(({ options }) => options.suffix !== undefined)!;
    await train('corpus.txt', 'classic', '--type', 'classic-bpe', ...flagsOf(run));
    // The ids of symbols with a suffix are left to chance by the reference.
    expect(Object.keys(JSON.parse(folder.read('classic/vocab.json'))).sort()).toEqual(run.vocab);
    const lines = folder.read('classic/merges.txt').trimEnd().split('\n').slice(1);
    expect(lines).toEqual(run.merges!.map((pair) => pair.join(' ')));
  });

  test.each(
    pieces.runs
      .filter((_, i) => [2, 6, 7].includes(i))
      .map((run) => [flagsOf(run).join(' '), run] as const),
  )('wordpiece %s', async (_, run) => {
    await train('pieces.txt', 'pieces', ...flagsOf(run));
    const vocab = folder.read('pieces/vocab.txt').trimEnd().split('\n');
    expect(vocab.sort()).toEqual([...run.vocab].sort());
  });

  test('word-level', async () => {
    const flags = ['--type', 'word-level', '--vocab-size', '10', '--min-frequency', '2'];
    await train('words.txt', 'words', ...flags);
    expect(folder.read('words/vocab.txt').trimEnd().split('\n')).toEqual(words.vocab);
  });
});

describe('every type', () => {
  const config = (out: string) => JSON.parse(folder.read(`${out}/tokenizer_config.json`));

  test('the same text gives the same files, from standard input too', async () => {
    for (const type of ['wordpiece', 'bpe', 'classic-bpe', 'word-level']) {
      const args = ['train-tokenizer', '-t', type, '--vocab-size', '300', '--json'];
      const text = folder.read('text.txt');
      const first = jsonLines(await folder.ok([...args, 'text.txt', '-o', `${type}-1`]))[0];
      const again = jsonLines(
        await folder.ok([...args, '-', '-o', `${type}-2`], { input: text }),
      )[0];
      expect(first).toEqual({ out: `${type}-1`, type, vocabSize: expect.any(Number), lines: 144 });
      expect(again).toEqual({ ...first, out: `${type}-2` });
      const json = folder.read(`${type}-1/tokenizer.json`);
      expect(folder.read(`${type}-2/tokenizer.json`)).toBe(json);
      // What was learned is used.
      const input = 'the captain sees the whale\n';
      const ids = await folder.ok(['tokenize', '-m', `${type}-1`, '--ids'], { input });
      const back = ['tokenize', '-m', `${type}-1`, '--decode', '--skip-special-tokens'];
      expect((await folder.ok(back, { input: ids })).replace('<unk>', 'the')).toBe(input);
    }
  });

  test('its options reach the tokenizer', async () => {
    const train = (out: string, ...flags: string[]) =>
      folder.ok(['train-tokenizer', 'text.txt', '-o', out, '-q', ...flags]);
    const tokens = async (model: string, text: string) =>
      jsonLines(await folder.ok(['tokenize', text, '-m', model, '--json']))[0].tokens;

    await train('cased', '--vocab-size', '120', '--no-lowercase', '--max-length', '64');
    expect(await tokens('cased', 'The the')).toEqual(['[CLS]', 'The', 'the', '[SEP]']);
    expect(config('cased').model_max_length).toBe(64);

    const names = ['--unk-token', '<unk>', '--cls-token', '<s>', '--sep-token', '</s>'];
    await train('named', ...names, '--pad-token', '<pad>', '--mask-token', '<mask>');
    expect(await tokens('named', 'the ☃')).toEqual(['<s>', 'the', '<unk>', '</s>']);
    expect(folder.read('named/vocab.txt')).toMatch(/^<pad>\n<unk>\n<s>\n<\/s>\n<mask>\n/);

    await train('space', '--type', 'bpe', '--add-prefix-space', '--max-length', '32');
    expect((await tokens('space', 'captain'))[0]).toMatch(/^Ġ/);
    expect(config('space').model_max_length).toBe(32);

    await train('ends', '--type', 'word-level', '--add-eos', '--lowercase', '--unk-token', '<?>');
    expect(await tokens('ends', 'The CAPTAIN x')).toEqual(['the', 'captain', '<?>', '<eos>']);

    const special = ['--special-tokens', '<unk>', '<pad>', '--initial-alphabet', 'жq'];
    await train('special', '--type', 'classic-bpe', ...special);
    const vocab = JSON.parse(folder.read('special/vocab.json'));
    expect(vocab).toMatchObject({ '<unk>': 0, '<pad>': 1 });
    expect(Object.keys(vocab)).toEqual(expect.arrayContaining(['ж', 'q']));
  });

  test('says when the size is not what was asked for', async () => {
    const size = async (vocabSize: string, ...more: string[]) =>
      folder.run(['train-tokenizer', 'text.txt', '-o', 'size', '--vocab-size', vocabSize, ...more]);
    expect((await size('5000')).stderr).toMatch(/fewer than the 5000 asked for\.\n$/);
    expect((await size('10')).stderr).toMatch(/more than the 10 asked for\.\n$/);
    expect((await size('10', '--quiet')).stderr).toBe('');
  });
});

describe('wrong usage is one line, code 2, and nothing is written', () => {
  test.each([
    [['-t', 'bpe', '--no-lowercase'], '--no-lowercase is not for --type bpe'],
    [['-t', 'bpe', '--strip-accents'], '--strip-accents is not for --type bpe, but for wordpiece'],
    [['-t', 'bpe', '--initial-alphabet', 'x'], 'its alphabet is the 256 bytes'],
    [['-t', 'bpe', '--unk-token', 'x'], 'nothing is unknown to it'],
    [['-t', 'classic-bpe', '--lowercase'], '--lowercase is not for --type classic-bpe'],
    [['-t', 'classic-bpe', '--add-prefix-space'], '--add-prefix-space is not for'],
    [['-t', 'word-level', '--limit-alphabet', '9'], '--limit-alphabet is not for'],
    [['-t', 'word-level', '--mask-token', 'x'], '--mask-token is not for'],
    [['-t', 'word-level', '--no-chinese-chars'], '--no-chinese-chars is not for'],
    [['--add-eos'], '--add-eos is not for --type wordpiece, but for word-level'],
    [['--max-token-length', '5'], '--max-token-length is not for --type wordpiece'],
    [['--special-tokens', '[PAD]', '[UNK]'], '--special-tokens lacks [CLS]'],
    [['-t', 'word-level', '--special-tokens', '<eos>'], '--special-tokens lacks <unk>'],
    [['-t', 'word-level', '--special-tokens', '<unk>', '--add-eos'], 'lacks <eos>'],
    [['-t', 'bpe', '--special-tokens', 'a', 'a'], 'The special token a is there twice'],
    [['-t', 'bpe', '--vocab-size', '256'], 'special tokens and the 256 bytes are 257'],
    [['--vocab-size', '5'], '--vocab-size 5 is too small'],
    [['-t', 'unigram'], 'Allowed choices are wordpiece, bpe, classic-bpe, word-level'],
  ])('%j', async (flags, says) => {
    const args = ['train-tokenizer', 'text.txt', '-o', 'never', ...flags];
    expect(await folder.fails(args, 2)).toContain(says);
    expect(folder.has('never')).toBe(false);
  });
});

describe('errors', () => {
  test('empty text', async () => {
    for (const type of ['wordpiece', 'bpe', 'classic-bpe', 'word-level']) {
      const args = ['train-tokenizer', '-', '-o', 'never', '-q', '-t', type];
      for (const input of ['', '\n']) {
        expect(await folder.fails(args, 1, { input })).toBe(
          'error: There is no text in standard input.\n',
        );
      }
    }
    expect(folder.has('never')).toBe(false);
  });

  test('a folder that has another kind of tokenizer, or is a file, is left as it is', async () => {
    const args = (out: string) => ['train-tokenizer', 'text.txt', '-o', out, '-t', 'bpe', '-q'];
    expect(await folder.fails(args('tokenizer'))).toContain('tokenizer of another kind');
    expect(folder.has('tokenizer/merges.txt')).toBe(false);
    expect(await folder.fails(args('text.txt'))).toContain('text.txt is a file');
  });

  test.each([['wordpiece'], ['bpe'], ['classic-bpe'], ['word-level']])(
    'Ctrl-C while %s waits for text or works ends with code 130 and writes nothing',
    async (type) => {
      // 100 thousand different words keep it busy.
      const line = (i: number) => Array.from({ length: 20 }, (_, k) => `w${(i * 20 + k) * 7919}x`);
      const input = Array.from({ length: 5000 }, (_, i) => line(i).join(' ')).join('\n');
      for (const keepOpen of [true, false]) {
        if (!keepOpen && type === 'word-level') continue; // It is done before a signal comes.
        const { code, stdout, stderr } = await folder.run(
          ['train-tokenizer', '-', '-o', 'never', '-t', type, '--vocab-size', '200000'],
          { input, keepOpen, onRead: (child) => child.kill('SIGINT') },
        );
        expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
        expect(stderr).toMatch(/error: Stopped: nothing was written\.\n$/);
        expect(folder.has('never')).toBe(false);
      }
    },
  );
});

describe('a BERT needs a BERT tokenizer', () => {
  test('fill-mask and pretrain say so', async () => {
    await folder.ok(['train-tokenizer', 'text.txt', '-o', 'gpt', '-t', 'bpe', '-q']);
    await folder.ok(['train-tokenizer', 'text.txt', '-o', 'xl', '-t', 'word-level', '-q']);
    for (const [model, kind] of [
      ['gpt', 'byte-pair encoding'],
      ['xl', 'a list of words'],
      ['xl/vocab.txt', 'a list of words'],
    ]) {
      const pretrain = ['pretrain', 'bert', 'text.txt', '-o', 'never', '--steps', '1', '-q'];
      for (const args of [
        ['fill-mask', 'The [MASK].', '-m', model!],
        [...pretrain, '-t', model!],
      ]) {
        expect(await folder.fails(args)).toContain(
          `${model}: a BERT needs a WordPiece tokenizer with a mask token, and this is ${kind}`,
        );
      }
    }
    expect(folder.has('never')).toBe(false);
  });
});
