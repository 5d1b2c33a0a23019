import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Folder, folderWithTokenizer } from '../test/multihead.js';

let folder: Folder;
beforeAll(async () => {
  folder = await folderWithTokenizer();
});
afterAll(() => folder.remove());

describe('help and usage', () => {
  test('--help lists the commands', async () => {
    const text = await folder.ok(['--help']);
    for (const name of ['tokenize', 'train-tokenizer', 'pretrain', 'fill-mask']) {
      expect(text).toContain(name);
    }
  });

  test.each([['tokenize'], ['train-tokenizer'], ['pretrain'], ['pretrain bert'], ['fill-mask']])(
    '%s --help describes its arguments and options',
    async (command) => {
      const text = await folder.ok([...command.split(' '), '--help']);
      expect(text).toContain(`Usage: multihead ${command}`);
      expect(text).toContain('--help');
    },
  );

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
    );
    expect(await folder.ok(['--version'])).toBe(`${version}\n`);
  });

  test.each([
    { args: ['tokenise', 'x'], says: 'unknown command' },
    { args: ['tokenize', 'x'], says: '--model' },
    { args: ['tokenize', 'x', '-m', 'tokenizer', '--modle'], says: 'unknown option' },
    { args: ['fill-mask', 'x', '-m', 'tokenizer', '--top-k', '0'], says: 'whole number from 1' },
    { args: ['fill-mask', 'x', '-m', 'tokenizer', '--top-k', '2.5'], says: 'whole number from 1' },
    {
      args: ['pretrain', 'bert', 'text.txt', '-t', 'tokenizer', '-o', 'never'],
      says: '--steps or --epochs',
    },
    {
      args: [
        ...['pretrain', 'bert', 'text.txt', '-t', 'tokenizer', '-o', 'never', '--steps', '1'],
        ...['--hidden', '30', '--heads', '4'],
      ],
      says: 'no multiple',
    },
    {
      args: [
        ...['pretrain', 'bert', 'text.txt', '-t', 'tokenizer', '-o', 'never'],
        ...['--steps', '1', '--epochs', '1'],
      ],
      says: 'cannot be used with',
    },
  ])('wrong usage ends with code 2 and one line: $args', async ({ args, says }) => {
    const { code, stdout, stderr } = await folder.run(args);
    expect(stderr).toContain(says);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toContain('    at ');
    expect(folder.has('never')).toBe(false);
  });

  test('no command prints the help to stderr, with code 2', async () => {
    const { code, stdout, stderr } = await folder.run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: multihead');
  });
});

describe('errors', () => {
  test.each([
    { args: ['tokenize', 'x', '-m', 'text.txt/none'], says: 'text.txt/none' },
    { args: ['tokenize', 'x', '-m', './no-such-folder'], says: 'no-such-folder' },
    { args: ['train-tokenizer', 'missing.txt', '-o', 'never'], says: 'missing.txt: no such file' },
    { args: ['train-tokenizer', 'tokenizer', '-o', 'never'], says: 'tokenizer is a folder' },
    { args: ['fill-mask', 'The [MASK].', '-m', 'tokenizer'], says: 'config.json' },
    {
      args: ['pretrain', 'bert', 'missing.txt', '-t', 'tokenizer', '-o', 'never', '--steps', '1'],
      says: 'missing.txt: no such file',
    },
  ])('are one line on stderr and code 1: $says', async ({ args, says }) => {
    const { code, stdout, stderr } = await folder.run(args);
    expect(stderr).toContain(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(folder.has('never')).toBe(false);
  });

  test('text that is not UTF-8 is refused by name', async () => {
    folder.write('latin1.txt', Buffer.from([0x66, 0xfc, 0x72, 0x0a]));
    const { code, stderr } = await folder.run(['train-tokenizer', 'latin1.txt', '-o', 'never']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: latin1.txt is not UTF-8 text.\n' });
  });

  test.each([[['--debug'], {}] as const, [[], { DEBUG: '1' }] as const])(
    'with %j %j also show where they come from',
    async (flags, env) => {
      const args = ['train-tokenizer', 'missing.txt', '-o', 'never', ...flags];
      const { code, stderr } = await folder.run(args, { env });
      expect(code).toBe(1);
      expect(stderr).toMatch(/CliError: missing\.txt[\s\S]*\n {4}at /);
    },
  );
});
