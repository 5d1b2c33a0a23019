import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Folder, jsonLines, main } from '../test/multihead.js';

interface Row {
  tokens: string[];
  ids: number[];
  words: number[];
  /** In UTF-16 units, flat. */
  offsets?: number[];
  types?: number[];
  sequences?: number[];
  attention?: number[];
  special?: number[];
  overflowing: number[][];
}

// Written by tooling/reference/cli_tokenize.py with Hugging Face's Rust library.
const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/tokenize.json', import.meta.url), 'utf8'),
) as {
  files: Record<string, Record<string, string>>;
  cases: {
    family: string;
    options: Record<string, string | number | boolean>;
    pair: string | null;
    texts: string[];
    rows: Row[];
    decoded: string[];
  }[];
};

let folder: Folder;
beforeAll(() => {
  folder = new Folder();
  for (const [family, files] of Object.entries(fixture.files)) {
    for (const [name, content] of Object.entries(files)) folder.write(`${family}/${name}`, content);
  }
});
afterAll(() => folder.remove());

/** `{ maxLength: 5, specialTokens: false }` → `--max-length 5 --no-special-tokens` */
function flagsOf(options: Record<string, unknown>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (typeof value === 'boolean') return [value ? `--${flag}` : `--no-${flag}`];
    return [`--${flag}`, String(value)];
  });
}

const orMinusOne = (values: (number | null)[]) => values.map((value) => value ?? -1);

describe('equal to the reference', () => {
  for (const { family, options, pair, texts, rows, decoded } of fixture.cases) {
    const flags = [...flagsOf(options), ...(pair === null ? [] : ['--pair', pair])];
    test(`${family} ${flags.join(' ')}`, async () => {
      const input = texts.map((text) => `${text}\n`).join('');
      const args = ['tokenize', '-', '-m', family, ...flags];
      const results = jsonLines(await folder.ok([...args, '--all', '--json'], { input }));
      expect(results.map(({ text }) => text)).toEqual(texts);
      expect(
        results.map((result, i) => ({
          tokens: result.tokens,
          ids: result.ids,
          words: orMinusOne(result.wordIds),
          ...(rows[i]!.offsets && {
            offsets: result.offsets.flat(),
            types: result.typeIds,
            sequences: orMinusOne(result.sequenceIds),
            attention: result.attentionMask,
            special: result.specialTokensMask,
          }),
          overflowing: (result.overflowing ?? []).map(({ ids }: { ids: number[] }) => ids),
        })),
      ).toEqual(rows);

      const lines = rows.flatMap((row) => [row.ids, ...row.overflowing]);
      const ids = lines.map((line) => `${line.join(' ')}\n`).join('');
      expect(await folder.ok([...args, '--ids'], { input })).toBe(ids);
      if (!options.overflow) {
        expect(await folder.ok([...args, '--ids', '--threads', '2'], { input })).toBe(ids);
      }
      // A list of words is given back as Transformer-XL's, for which the library has no decoder.
      if (family === 'words') return;
      const decode = ['tokenize', '--decode', '-m', family, '--skip-special-tokens'];
      const back = await folder.ok(decode, {
        input: rows.map((row) => `${row.ids.join(' ')}\n`).join(''),
      });
      expect(back).toBe(decoded.map((text) => `${text}\n`).join(''));
    });
  }

  const of = (family: string) =>
    fixture.cases.find((one) => one.family === family && one.rows.length > 0)!;

  test.each([
    ['gpt2', 'gpt2/vocab.json'],
    ['gpt2', 'gpt2/merges.txt'],
    ['bert', 'bert/tokenizer.json'],
    ['words', 'words/vocab.txt'],
    ['bert', 'bert-vocab/vocab.txt'],
  ])('%s from the file %s', async (family, model) => {
    const { texts, rows } = of(family);
    const input = `${texts.join('\n')}\n`;
    const ids = await folder.ok(['tokenize', '-', '-m', model, '--ids', '--json'], { input });
    expect(jsonLines(ids)).toEqual(rows.map((row) => row.ids));
  });

  test('texts as arguments, of files and of standard input come in their order', async () => {
    const { texts, rows } = of('gpt2');
    const [a, b, c, d] = texts as [string, string, string, string];
    folder.write('one.txt', `${c}\r\n`);
    folder.write('two.txt', d); // no line break at the end
    const args = ['tokenize', a, '-', '-m', 'gpt2', '--ids', '--json', '-f', 'one.txt', 'two.txt'];
    const lines = jsonLines(await folder.ok(args, { input: `${b}\n` }));
    expect(lines).toEqual(rows.map(({ ids }) => ids));
  });

  test('--pair-file gives each text its own', async () => {
    const { texts, pair, rows } = fixture.cases.find(
      (one) => one.family === 'bert' && one.pair !== null && flagsOf(one.options).length === 0,
    )!;
    folder.write('texts.txt', `${texts.join('\n')}\n`);
    folder.write('pairs.txt', `${texts.map(() => pair).join('\n')}\n`);
    const args = ['tokenize', '-f', 'texts.txt', '--pair-file', 'pairs.txt', '-m', 'bert'];
    const lines = jsonLines(await folder.ok([...args, '--ids', '--json']));
    expect(lines).toEqual(rows.map(({ ids }) => ids));

    for (const [how, more] of Object.entries({ fewer: 'texts.txt', more: '' })) {
      folder.write('pairs.txt', `${texts.map(() => pair).join('\n')}\n`);
      folder.write('other.txt', `${texts.slice(how === 'more' ? 1 : 0).join('\n')}\n`);
      const given = ['tokenize', '-f', 'other.txt', ...(more ? [more] : []), '-m', 'bert'];
      const { code, stderr } = await folder.run([...given, '--pair-file', 'pairs.txt', '--ids']);
      expect(code).toBe(1);
      expect(stderr).toContain(`pairs.txt has ${how} lines than there are texts`);
    }
  });

  test('--count adds up the texts, and what is unknown', async () => {
    const { texts, rows } = of('bert');
    const unknown = rows.flatMap(({ tokens }) => tokens).filter((token) => token === '[UNK]');
    const tokens = rows.reduce((sum, { ids }) => sum + ids.length, 0);
    const characters = texts.reduce((sum, text) => sum + [...text].length, 0);
    const expected = {
      texts: texts.length,
      characters,
      tokens,
      specialTokens: 2 * texts.length,
      charactersPerToken: characters / (tokens - 2 * texts.length),
      unknownTokens: unknown.length,
      longest: Math.max(...rows.map(({ ids }) => ids.length)),
    };
    const input = `${texts.join('\n')}\n`;
    const args = ['tokenize', '-', '-m', 'bert', '--count'];
    for (const more of [[], ['--threads', '2']]) {
      expect(jsonLines(await folder.ok([...args, '--json', ...more], { input }))).toEqual([
        expected,
      ]);
    }
    expect(unknown.length).toBeGreaterThan(0);
    const shown = await folder.ok(args, { input });
    expect(shown).toMatch(new RegExp(`^tokens +${tokens}  ${2 * texts.length} of them`, 'm'));
  });
});

describe('what is shown', () => {
  test('a table, with the other columns on demand', async () => {
    const table = await folder.ok(['tokenize', 'The river', '-m', 'bert']);
    expect(table.split('\n')[0]).toMatch(/^token +id +start +end +text$/);
    expect(table).toMatch(/^river +\d+ +4 +9 +river$/m);
    expect(table).toContain('4 tokens');
    const all = await folder.ok(['tokenize', 'the', '-m', 'bert', '--pair', 'river', '--all']);
    expect(all).toMatch(/^token +id +start +end +sequence +word +type +special +attention +text$/m);
    expect(all).toMatch(/^river +\d+ +0 +5 +1 +0 +1 +0 +1 +river$/m);
    expect(all).toMatch(/^\[SEP\] +\d+ +1 +1 +1$/m);
  });

  test('tables of parts and texts stand apart', async () => {
    const args = ['tokenize', 'the river', 'the', '-m', 'bert', '--max-length', '3', '--overflow'];
    expect(await folder.ok(args)).toMatch(
      /^part 1 of 2\n(.+\n){4}3 tokens\n\npart 2 of 2\n(.+\n){4}3 tokens\n\ntoken .*\n(.+\n){3}3 tokens\n$/,
    );
  });

  test('the tokens over the text, with lines between or in colours', async () => {
    const args = ['tokenize', 'the river, 🙂', '-m', 'gpt2', '--inline'];
    const plain = await folder.ok(args);
    const [{ tokens }] = jsonLines(
      await folder.ok(['tokenize', 'the river, 🙂', '-m', 'gpt2', '--json']),
    );
    expect(plain.replaceAll('│', '')).toBe('the river, 🙂\n');
    expect(plain.split('│')).toHaveLength(tokens.length);
    const coloured = await folder.ok(args, { env: { NO_COLOR: '', FORCE_COLOR: '1' } });
    expect(coloured).toContain('\u001b[4');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters.
    const bare = coloured.replace(/\u001b\[\d+m/g, '');
    expect(bare.replaceAll('·', '')).toBe('the river, 🙂\n');
    const table = await folder.ok(args.slice(0, -1), { env: { NO_COLOR: '', FORCE_COLOR: '1' } });
    expect(table.split('\n')[0]).toBe(coloured.trimEnd());
  });

  test('what was put in, pairs and words, over their texts', async () => {
    const inline = (...args: string[]) =>
      folder.ok(['tokenize', '-m', 'bert', '--inline', ...args]);
    expect(await inline('the  river.', '--pair', 'the bridge')).toBe(
      '[CLS] the  river│. [SEP] the bridge [SEP]\n',
    );
    expect(await inline('  the\triver. ', '--words')).toBe('[CLS] the\\triver│. [SEP]\n');
  });

  test('a text cannot take over the terminal', async () => {
    const hostile = 'a\u001b[2Jb\nc\u202ed\u2028e\u0000\ud800';
    for (const view of ['--inline', '--no-special-tokens']) {
      const shown = await folder.ok(['tokenize', '-', 'x', '-m', 'gpt2', view], {
        input: hostile.replace('\n', '\u0007'),
      });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that must not come out.
      expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e\u2028]/);
      expect(shown).toContain('\\u001b');
    }
  });

  test('--decode takes ids as arguments, as lists and as lines; --clean-up closes gaps', async () => {
    const [{ ids }] = jsonLines(
      await folder.ok(['tokenize', 'The river.', '-m', 'bert', '--json']),
    );
    const decode = (...args: string[]) =>
      folder.ok(['tokenize', '--decode', '-m', 'bert', ...args]);
    expect(await decode(...ids.map(String))).toBe('[CLS] the river. [SEP]\n');
    expect(await decode(JSON.stringify(ids), '--skip-special-tokens')).toBe('the river.\n');
    expect(jsonLines(await decode(ids.join(', '), '--json'))).toEqual([
      { ids, text: '[CLS] the river. [SEP]' },
    ]);
    const gpt = ['tokenize', 'the river .', '-m', 'openai-gpt', '--ids'];
    const back = ['tokenize', '--decode', '-m', 'openai-gpt'];
    const input = await folder.ok(gpt);
    expect(await folder.ok(back, { input })).toBe('the river .\n');
    expect(await folder.ok([...back, '--clean-up'], { input })).toBe('the river.\n');
  });

  test('--batch-size pads so many together', async () => {
    const args = [
      'tokenize',
      'the',
      'the river',
      'the the the',
      '-m',
      'bert',
      '--padding',
      'longest',
    ];
    const lengths = async (...more: string[]) =>
      jsonLines(await folder.ok([...args, '--ids', '--json', ...more])).map((ids) => ids.length);
    expect(await lengths()).toEqual([5, 5, 5]);
    expect(await lengths('--batch-size', '2')).toEqual([4, 4, 5]);
    expect(await lengths('--batch-size', '2', '--threads', '2')).toEqual([4, 4, 5]);
  });
});

describe('a vocabulary with capital letters and nothing that says what becomes of them', () => {
  const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'The', 'the', 'River', '##s'];

  test('is lowered with a note, or kept with --no-lowercase', async () => {
    folder.write('cased/vocab.txt', `${vocabulary.join('\n')}\n`);
    const args = ['tokenize', 'The the', '-m', 'cased', '--ids', '--no-special-tokens'];
    const lowered = await folder.run(args);
    expect(lowered).toMatchObject({ code: 0, stdout: '6 6\n' });
    expect(lowered.stderr).toMatch(/^note: cased has capital letters .*--no-lowercase/);
    const kept = await folder.run([...args, '--no-lowercase']);
    expect(kept).toEqual({ code: 0, stdout: '5 6\n', stderr: '' });
  });
});

test('words that Transformer-XL’s tokenizers pickled, in a folder or as a file, here or on a server', async () => {
  const pickled = (name: string) =>
    new URL(`../../checkpoint/fixtures/vocabulary/${name}`, import.meta.url);
  folder.write('txl/vocab.pkl', readFileSync(pickled('vocab.pkl')));
  const server = createServer(({ url }, response) => {
    if (url === '/txl/vocab.bin') response.end(readFileSync(pickled('vocab.bin')));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ['tokenize', 'the dog sat .', '--ids', '--json', '-m'];
  const here = ['txl', 'txl/vocab.pkl', fileURLToPath(pickled('cache.pt'))];
  try {
    for (const model of [...here, `${site}/txl`, `${site}/txl/vocab.bin`]) {
      expect(jsonLines(await folder.ok([...args, model]))).toEqual([[2, 10, 6, 9]]);
    }
    expect(await folder.fails([...args, `${site}/other.pkl`])).toContain(`${site}/other.pkl`);
  } finally {
    server.close();
  }
});

describe('wrong usage is one line and code 2', () => {
  const bert = ['tokenize', 'the river', '-m', 'bert'];
  test.each([
    [[...bert, '--ids', '--count'], "'--ids' cannot be used with option '--count'"],
    [[...bert, '--inline', '--json'], 'cannot be used with'],
    [[...bert, '--all', '--ids'], 'cannot be used with'],
    [[...bert, '--count', '--max-length', '4'], 'cannot be used with'],
    [[...bert, '--decode', '--pair', 'x'], 'cannot be used with'],
    [[...bert, '--pair', 'x', '--pair-file', 'y'], 'cannot be used with'],
    [[...bert, '--stride', '2'], '--stride needs --overflow'],
    [[...bert, '--overflow'], '--overflow needs --max-length or --truncation'],
    [[...bert, '--truncation-side', 'left'], '--truncation-side needs'],
    [[...bert, '--padding-side', 'left'], '--padding-side needs --padding'],
    [[...bert, '--pad-to-multiple-of', '8'], '--pad-to-multiple-of needs --padding'],
    [[...bert, '--padding', 'max_length', '--batch-size', '2', '--max-length', '9'], 'needs'],
    [[...bert, '--threads', '2'], '--threads needs --ids or --count'],
    [[...bert, '--ids', '--threads', '2', '--max-length', '4', '--overflow'], '--overflow'],
    [[...bert, '--truncation', 'only_second', '--max-length', '4'], 'needs a pair'],
    [[...bert, '--truncation', 'none', '--max-length', '4'], '--max-length means nothing'],
    [[...bert, '--truncation', 'longest'], 'Allowed choices are longest_first'],
    [[...bert, '--max-length', '0'], 'whole number from 1'],
    [[...bert, '--max-length', '1'], '--max-length 1 leaves no room for the 2 special tokens'],
    [[...bert, '--max-length', '3', '--overflow', '--stride', '1'], '--stride 1 must be less than'],
    [[...bert, '--padding', 'max_length'], '--padding max_length needs a --max-length'],
    [[...bert, '--truncation', 'longest_first'], '--truncation needs a --max-length'],
    [[...bert, '--skip-special-tokens'], '--skip-special-tokens needs --decode'],
    [[...bert, '--clean-up'], '--clean-up needs --decode'],
    [[...bert, '--no-lowercase'], '--no-lowercase is for a bare vocab.txt'],
    [['tokenize', '-m', 'gpt2', 'x', '--padding', 'longest'], '--padding needs a padding token'],
    [['tokenize', '-m', 'gpt2', '-', '-f', '-'], 'Standard input can be read only once'],
    [['tokenize', '-m', 'gpt2', '--pair-file', '-'], 'Standard input can be read only once'],
    [['tokenize', '-m', 'gpt2', '--decode', '1', '-'], 'either ids or -'],
    [['tokenize', 'x'], '--model'],
  ])('%j', async (args, says) => {
    expect(await folder.fails(args, 2)).toContain(says);
  });
});

describe('what cannot be done is one line and code 1', () => {
  test('ids that are none, or that the vocabulary does not have', async () => {
    const args = ['tokenize', '--decode', '-m', 'bert'];
    expect(await folder.fails([...args, '1', 'two'])).toContain('"two" is no id');
    expect(await folder.fails([...args, '1.5'])).toContain('"1.5" is no id');
    expect(await folder.fails(args, 1, { input: '1\n99999\n' })).toContain(
      'standard input, line 2: the vocabulary has no id 99999',
    );
  });

  test('a word that nothing stands for is named with its place', async () => {
    folder.write('list/vocab.txt', 'the\nriver\n');
    folder.write('lines.txt', 'the river\nthe bridge\n');
    for (const more of [[], ['--ids'], ['--ids', '--threads', '1'], ['--json']]) {
      const line = await folder.fails(['tokenize', '-f', 'lines.txt', '-m', 'list', ...more]);
      expect(line).toContain('lines.txt, line 2: "bridge" is not in the vocabulary');
    }
  });

  test.each([
    ['nothing', 'has none of tokenizer.json, vocab.txt, vocab.json'],
    ['half/vocab.json', 'half/vocab.json: '],
    ['broken/tokenizer.json', 'not JSON'],
    ['page/vocab.txt', 'a web page came'],
  ])('a tokenizer that is none: %s', async (model, says) => {
    folder.write('nothing/readme.md', 'nothing');
    folder.write('half/vocab.json', '{"a":0}');
    folder.write('broken/tokenizer.json', '{"model":');
    folder.write('page/vocab.txt', '<!doctype html><title>Sign in</title>');
    expect(await folder.fails(['tokenize', 'x', '-m', model])).toContain(says);
  });

  test('files that are not there, are folders, or are not UTF-8', async () => {
    folder.write('latin1.txt', Buffer.from([0x66, 0xfc, 0x72, 0x0a]));
    const fails = (file: string) => folder.fails(['tokenize', '-m', 'gpt2', '-f', file]);
    expect(await fails('missing.txt')).toContain('missing.txt: no such file');
    expect(await fails('gpt2')).toContain('gpt2 is a folder');
    expect(await fails('latin1.txt')).toContain('latin1.txt is not UTF-8 text');
  });
});

describe('streams', () => {
  test('no text gives nothing', async () => {
    for (const more of [[], ['--json'], ['--ids'], ['--inline'], ['--ids', '--threads', '2']]) {
      expect(await folder.ok(['tokenize', '-m', 'gpt2', ...more], { input: '' })).toBe('');
    }
    const [count] = jsonLines(
      await folder.ok(['tokenize', '-m', 'gpt2', '--count', '--json'], { input: '' }),
    );
    expect(count).toMatchObject({ texts: 0, tokens: 0, charactersPerToken: null });
  });

  test('an empty line is a text, so that lines of ids are those of the text', async () => {
    expect(await folder.ok(['tokenize', '-m', 'gpt2', '--ids'], { input: '\n\n' })).toBe('\n\n');
  });

  test('lines and characters that are cut by the blocks of a stream stay whole', async () => {
    const line = '江水🙂 the river '.repeat(1000);
    const input = `${line}\n`.repeat(9);
    const args = ['tokenize', '-m', 'gpt2', '--json'];
    const lines = jsonLines(await folder.ok(args, { input }));
    expect(lines.map(({ text }) => text)).toEqual(new Array(9).fill(line));
  });

  test.each([[['--ids']], [['--ids', '--threads', '2']], [['--json']], [[]], [['--inline']]])(
    'a reader that has seen enough ends it quietly: %j',
    async (more) => {
      folder.write('long.txt', 'the river went round the heron\n'.repeat(200_000));
      const args = [main, 'tokenize', '-m', 'gpt2', '-f', 'long.txt', ...more];
      const child = spawn(process.execPath, args, { cwd: folder.path });
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      child.stdout.once('data', () => child.stdout.destroy());
      const code = await new Promise((resolve) => child.on('close', resolve));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
  );

  test('a stream larger than the memory is read through', async () => {
    const child = spawn(
      process.execPath,
      ['--max-old-space-size=96', main, 'tokenize', '-m', 'gpt2', '--count', '--json'],
      { cwd: folder.path },
    );
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const block = Buffer.from('the river went round the heron\n'.repeat(40_000)); // 1.24 MB
    for (let i = 0; i < 120; i++) {
      if (!child.stdin.write(block)) await new Promise((next) => child.stdin.once('drain', next));
    }
    child.stdin.end();
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ texts: 4_800_000, characters: 144_000_000 });
  });
});

describe('the real vocabularies', () => {
  // They are kept beside the repository, not in it.
  const data =
    process.env.MULTIHEAD_SHARED_DATA ??
    fileURLToPath(new URL('../../../../shared/data', import.meta.url));
  const withData = existsSync(data) ? test : test.skip;
  const cases = (name: string) =>
    readFileSync(join(data, `vocab/llama-cpp-cases/ggml-vocab-${name}`), 'utf8');

  withData.each([
    ['gpt2', 'gpt-2.gguf', [] as string[]],
    ['bert-base-uncased', 'bert-bge.gguf', ['--no-special-tokens']],
  ])('%s gives the ids of the llama.cpp cases', async (vocabulary, name, more) => {
    const texts = cases(`${name}.inp`).split('\n__ggml_vocab_test__\n');
    const ids = cases(`${name}.out`).split('\n').slice(0, texts.length);
    const args = [
      'tokenize',
      '-m',
      join(data, 'vocab', vocabulary),
      '--ids',
      ...more,
      '--',
      ...texts,
    ];
    const lines = (await folder.ok(args)).split('\n').slice(0, texts.length);
    expect(lines).toEqual(ids.map((line) => line.trim()));
    expect(texts.length).toBeGreaterThan(40);
  });
});
