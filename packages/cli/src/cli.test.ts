import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

// The built program, as a person runs it.
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  input?: string;
  env?: Record<string, string>;
  /** Called with all of stderr so far, whenever there is more. */
  onStderr?: (text: string, child: ChildProcess) => void;
}

function multihead(args: string[], { input, env, onStderr }: RunOptions = {}): Promise<Result> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: { ...process.env, DEBUG: '', NO_COLOR: '1', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    onStderr?.(stderr, child);
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs, expects success, and gives what was printed. */
async function ok(args: string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await multihead(args, options);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

let folder = '';
const subjects = ['cat', 'dog', 'captain', 'whale', 'president', 'senator'];
const verbs = ['sees', 'follows', 'likes', 'fears'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'multihead-cli-'));
  const documents = subjects.map((subject) =>
    verbs
      .flatMap((verb) => subjects.map((other) => `The ${subject} ${verb} the ${other}.`))
      .join('\n'),
  );
  writeFileSync(join(folder, 'text.txt'), documents.join('\n\n'));
  await ok(['train-tokenizer', 'text.txt', '-o', 'tokenizer', '--vocab-size', '120', '-q']);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('help and usage', () => {
  test('--help lists the commands', async () => {
    const text = await ok(['--help']);
    for (const name of ['tokenize', 'train-tokenizer', 'pretrain', 'fill-mask']) {
      expect(text).toContain(name);
    }
  });

  test.each([['tokenize'], ['train-tokenizer'], ['pretrain'], ['pretrain bert'], ['fill-mask']])(
    '%s --help describes its arguments and options',
    async (command) => {
      const text = await ok([...command.split(' '), '--help']);
      expect(text).toContain(`Usage: multihead ${command}`);
      expect(text).toContain('--help');
    },
  );

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
    );
    expect(await ok(['--version'])).toBe(`${version}\n`);
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
    const { code, stdout, stderr } = await multihead(args);
    expect(stderr).toContain(says);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toContain('    at ');
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  test('no command prints the help to stderr, with code 2', async () => {
    const { code, stdout, stderr } = await multihead([]);
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
    const { code, stdout, stderr } = await multihead(args);
    expect(stderr).toContain(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  test('text that is not UTF-8 is refused by name', async () => {
    writeFileSync(join(folder, 'latin1.txt'), Buffer.from([0x66, 0xfc, 0x72, 0x0a]));
    const { code, stderr } = await multihead(['train-tokenizer', 'latin1.txt', '-o', 'never']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: latin1.txt is not UTF-8 text.\n' });
  });

  test.each([[['--debug'], {}] as const, [[], { DEBUG: '1' }] as const])(
    'with %j %j also show where they come from',
    async (flags, env) => {
      const args = ['train-tokenizer', 'missing.txt', '-o', 'never', ...flags];
      const { code, stderr } = await multihead(args, { env });
      expect(code).toBe(1);
      expect(stderr).toMatch(/CliError: missing\.txt[\s\S]*\n {4}at /);
    },
  );
});

describe('tokenize', () => {
  test('prints tokens, ids and offsets as JSON, a line a text', async () => {
    const text = 'The cat, THE dog!';
    const [first, second, ...rest] = jsonLines(
      await ok(['tokenize', text, 'whale', '-m', 'tokenizer', '--json']),
    );
    expect(rest).toEqual([]);
    expect(first.text).toBe(text);
    expect(first.tokens).toEqual(['[CLS]', 'the', 'cat', '[UNK]', 'the', 'dog', '[UNK]', '[SEP]']);
    const pieces = first.offsets.map(([start, end]: [number, number]) => text.slice(start, end));
    expect(pieces).toEqual(['', 'The', 'cat', ',', 'THE', 'dog', '!', '']);
    const vocabulary = readFileSync(join(folder, 'tokenizer', 'vocab.txt'), 'utf8').split('\n');
    expect(first.ids.map((id: number) => vocabulary[id])).toEqual(first.tokens);
    expect(second.tokens).toEqual(['[CLS]', 'whale', '[SEP]']);
  });

  test('reads standard input line by line, and a bare vocab.txt', async () => {
    const args = ['tokenize', '-', '-m', 'tokenizer/vocab.txt', '--json', '--no-special-tokens'];
    const lines = jsonLines(await ok(args, { input: 'the cat\r\nthe dog\n' }));
    expect(lines.map(({ text, tokens }) => [text, tokens])).toEqual([
      ['the cat', ['the', 'cat']],
      ['the dog', ['the', 'dog']],
    ]);
    expect(await ok(args, { input: '' })).toBe('');
  });

  test('--max-length cuts off', async () => {
    const args = ['tokenize', 'the cat the dog', '-m', 'tokenizer', '--max-length', '4', '--json'];
    expect(jsonLines(await ok(args))[0].tokens).toEqual(['[CLS]', 'the', 'cat', '[SEP]']);
  });

  test('shows a table', async () => {
    const table = await ok(['tokenize', 'The cat', '-m', 'tokenizer/tokenizer.json']);
    expect(table.split('\n')[0]).toMatch(/^token +id +start +end +text$/);
    expect(table).toMatch(/^cat +\d+ +4 +7 +cat$/m);
    expect(table).toContain('4 tokens');
  });
});

describe('train-tokenizer', () => {
  test('the same text gives the same files, from standard input too', async () => {
    const text = readFileSync(join(folder, 'text.txt'), 'utf8');
    const args = ['train-tokenizer', '-', '-o', 'again', '--vocab-size', '120', '--json'];
    const [result] = jsonLines(await ok(args, { input: text }));
    expect(result).toEqual({ out: 'again', vocabSize: expect.any(Number), lines: 144 });
    for (const name of ['vocab.txt', 'tokenizer.json']) {
      const bytes = (which: string) => readFileSync(join(folder, which, name), 'utf8');
      expect(bytes('again')).toBe(bytes('tokenizer'));
    }
  });

  test('--no-lowercase keeps case', async () => {
    await ok([
      'train-tokenizer',
      'text.txt',
      '-o',
      'cased',
      '--vocab-size',
      '120',
      '--no-lowercase',
    ]);
    const [line] = jsonLines(await ok(['tokenize', 'The the', '-m', 'cased', '--json']));
    expect(line.tokens).toEqual(['[CLS]', 'The', 'the', '[SEP]']);
  });

  test('empty text is an error', async () => {
    const { code, stderr } = await multihead(['train-tokenizer', '-', '-o', 'never', '-q'], {
      input: '\n',
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: There is no text in -.\n' });
  });
});

describe('pretrain bert and fill-mask', () => {
  const pretrain = (out: string, ...more: string[]) => [
    ...['pretrain', 'bert', 'text.txt', '-t', 'tokenizer', '-o', out, '--json'],
    ...['--layers', '1', '--hidden', '32', '--heads', '2', '--max-length', '16'],
    ...['--batch-size', '16', '--steps', '300', '--learning-rate', '0.005', '--dropout', '0.05'],
    ...['--initializer-range', '0.1', '--mlm-probability', '0.3', '--eval-fraction', '0.2'],
    ...['--eval-every', '100', '--checkpoint-every', '100', ...more],
  ];
  const log = (out: string) =>
    jsonLines(readFileSync(join(folder, out, 'training-log.jsonl'), 'utf8'));
  let summary: { steps: number; resumedFrom: number; evaluation: { loss: number } };

  beforeAll(async () => {
    summary = jsonLines(await ok(pretrain('model')))[0];
  }, 120_000);

  test('learns more than how often each token stands in the text', () => {
    const words = readFileSync(join(folder, 'text.txt'), 'utf8')
      .toLowerCase()
      .match(/\w+|\./g)!;
    const counts = new Map<string, number>();
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    const shares = [...counts.values()].map((count) => count / words.length);
    const entropy = -shares.reduce((sum, share) => sum + share * Math.log(share), 0);
    expect(summary).toMatchObject({ steps: 300, resumedFrom: 0 });
    expect(log('model')[0].loss).toBeGreaterThan(entropy + 1);
    expect(summary.evaluation.loss).toBeLessThan(entropy - 0.5);
  });

  test('its log has every step, and the evaluations', () => {
    const lines = log('model');
    expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    const measured = lines.filter(({ evalLoss }) => evalLoss !== undefined);
    expect(measured.map(({ step }) => step)).toEqual([100, 200, 300]);
    expect(measured.at(-1).evalLoss).toBe(summary.evaluation.loss);
  });

  test('Ctrl-C keeps a checkpoint and names the command that goes on to the same model', async () => {
    let interrupted = false;
    const { code, stdout, stderr } = await multihead(pretrain('halves'), {
      onStderr: (text, child) => {
        if (interrupted || !text.includes('step 100: ')) return;
        interrupted = true;
        child.kill('SIGINT');
      },
    });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    const [, command] = /Go on with: multihead (.*)\n$/.exec(stderr) ?? [];
    expect(command).toBeDefined();
    const stopped = Number(/Stopped after step (\d+) of 300/.exec(stderr)?.[1]);
    expect(stopped).toBeGreaterThanOrEqual(100);
    expect(stopped).toBeLessThan(300);
    expect(existsSync(join(folder, 'halves', 'model.safetensors'))).toBe(false);

    const [rest] = jsonLines(await ok(command!.split(' ')));
    expect(rest.resumedFrom).toBe(stopped);
    const weights = (out: string) => readFileSync(join(folder, out, 'model.safetensors'));
    expect(weights('halves').equals(weights('model'))).toBe(true);
    const losses = (out: string) => log(out).map(({ step, loss }) => [step, loss]);
    expect(losses('halves')).toEqual(losses('model'));
  }, 120_000);

  test('a folder with checkpoints is not overwritten without --resume', async () => {
    const { code, stderr } = await multihead(pretrain('model', '-q'));
    expect(code).toBe(1);
    expect(stderr).toContain('Add --resume');
  });

  test('--resume with other settings is refused', async () => {
    const { code, stderr } = await multihead(pretrain('model', '-q', '--resume', '--seed', '7'));
    expect(code).toBe(1);
    expect(stderr).toContain('seed was 42 and is 7');
  });

  test('--dtype F16 halves the weights', async () => {
    const size = (out: string) => readFileSync(join(folder, out, 'model.safetensors')).length;
    await ok([...pretrain('half', '-q'), '--steps', '1', '--dtype', 'F16']);
    expect(size('half')).toBeLessThan(0.6 * size('model'));
  });

  test('--from goes on from a model, in longer rows where it has the positions', async () => {
    const config = (out: string) =>
      JSON.parse(readFileSync(join(folder, out, 'config.json'), 'utf8'));
    await ok([
      ...pretrain('short', '-q'),
      '--steps',
      '5',
      '--max-length',
      '8',
      '--positions',
      '16',
    ]);
    expect(config('short').max_position_embeddings).toBe(16);
    const from = (out: string, model: string, ...more: string[]) => [
      ...['pretrain', 'bert', 'text.txt', '-t', 'tokenizer', '-o', out, '--from', model, '--json'],
      ...['--steps', '1', '--batch-size', '16', '--eval-fraction', '0.2', '-q', ...more],
    ];
    await ok(from('longer', 'short', '--max-length', '16'));
    expect(config('longer')).toEqual(config('short'));

    // A step at a rate of nearly 0 leaves the trained model as good as it was.
    const gently = ['--max-length', '16', '--learning-rate', '1e-9', '--mlm-probability', '0.3'];
    const [{ evaluation }] = jsonLines(await ok(from('same', 'model', ...gently)));
    expect(evaluation.loss).toBeCloseTo(summary.evaluation.loss, 3);

    const tooLong = await multihead(from('never', 'model', '--max-length', '32'));
    expect(tooLong.code).not.toBe(0);
    expect(tooLong.stderr.trim().split('\n')).toHaveLength(1);
    const resized = await multihead(from('never', 'model', '--hidden', '64'));
    expect(resized.code).toBe(2);
    expect(existsSync(join(folder, 'never'))).toBe(false);
  }, 60_000);

  test('fill-mask gives probabilities and texts for several masks', async () => {
    const text = 'The [MASK] sees the [MASK].';
    const args = ['fill-mask', text, '-m', 'model', '--top-k', '3', '--json'];
    const [{ masks }] = jsonLines(await ok(args));
    expect(masks).toHaveLength(2);
    for (const { start, end, predictions } of masks) {
      expect(text.slice(start, end)).toBe('[MASK]');
      expect(predictions).toHaveLength(3);
      const probabilities = predictions.map(
        ({ probability }: { probability: number }) => probability,
      );
      expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a));
      expect(probabilities.reduce((a: number, b: number) => a + b)).toBeLessThanOrEqual(1);
      for (const { token, sequence } of predictions) {
        const piece = token.startsWith('##') ? token.slice(2) : token;
        expect(sequence).toContain(piece);
      }
    }
    // Every text of the training has one of six nouns in these places.
    expect(subjects).toContain(masks[1].predictions[0].token);
  });

  test('all probabilities of a mask add up to 1', async () => {
    const args = ['fill-mask', 'The [MASK]', '-m', 'model', '--top-k', '100000', '--json'];
    const [{ masks }] = jsonLines(await ok(args));
    const sum = masks[0].predictions.reduce(
      (total: number, { probability }: { probability: number }) => total + probability,
      0,
    );
    expect(sum).toBeCloseTo(1, 4);
  });

  test('fill-mask shows a table, and reads standard input', async () => {
    const args = ['fill-mask', '-', '-m', 'model', '-k', '1'];
    const table = await ok(args, {
      input: 'The cat [MASK] the dog.\n\nThe [MASK] likes the cat.\n',
    });
    expect(table).toMatch(/^The cat \[MASK\] the dog\.$/m);
    expect(table).toMatch(/^\S+ +\d+\.\d\d % +The \S+ likes the cat\.$/m);
  });

  test.each([
    ['The cat.', 'no [MASK]'],
    [`[MASK]${' cat'.repeat(20)}`, '23 tokens and the model takes 16'],
  ])('fill-mask refuses %s', async (text, says) => {
    const { code, stderr } = await multihead(['fill-mask', text, '-m', 'model']);
    expect(code).toBe(1);
    expect(stderr).toContain(says);
  });
});
