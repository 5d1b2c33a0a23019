import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GPT2LMHeadModel } from '@multihead/gpt';
import { loadTokenizer } from '@multihead/tokenizers';
import { evaluateCausalLM } from '@multihead/training';
import { useWasm } from '@multihead/wasm';
import { Folder, jsonLines, subjects } from '../test/multihead.js';

let folder: Folder;
const verbs = ['sees', 'likes'];
const paragraphs = subjects.map((subject) =>
  verbs
    .flatMap((verb) => subjects.map((other) => `The ${subject} ${verb} the ${other}.`))
    .join('\n'),
);
const text = `${paragraphs.join('\n\n')}\n`;

const pretrain = (out: string, ...more: string[]) => [
  ...['pretrain', 'gpt', 'text.txt', '-t', 'characters', '-o', out, '--json', '--paragraphs'],
  ...['--layers', '1', '--hidden', '32', '--heads', '2', '--max-length', '32', '--dropout', '0.05'],
  ...['--batch-size', '16', '--steps', '240', '--learning-rate', '0.01', '--eval-fraction', '0.15'],
  ...['--eval-every', '40', '--checkpoint-every', '40', ...more],
];
const log = (out: string) => jsonLines(folder.read(`${out}/training-log.jsonl`));
const config = (out: string) => JSON.parse(folder.read(`${out}/config.json`));
let summary: { steps: number; evaluation: { loss: number; accuracy: number } };

beforeAll(async () => {
  folder = new Folder();
  folder.write('text.txt', text);
  const args = ['train-tokenizer', 'text.txt', '-o', 'characters', '--type', 'bpe', '-q'];
  await folder.ok([...args, '--vocab-size', '257']);
  summary = jsonLines(await folder.ok(pretrain('model')))[0];
}, 120_000);
afterAll(() => folder.remove());

describe('pretrain gpt', () => {
  test('learns more than how often each character stands in the text', () => {
    const counts = new Map<string, number>();
    for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
    const shares = [...counts.values()].map((count) => count / text.length);
    const entropy = -shares.reduce((sum, share) => sum + share * Math.log(share), 0);
    expect(log('model')[0].loss).toBeGreaterThan(Math.log(257) - 0.5);
    expect(summary.steps).toBe(240);
    expect(summary.evaluation.loss).toBeLessThan(0.5 * entropy);
    expect(summary.evaluation.accuracy).toBeGreaterThan(0.5);
    expect(config('model')).toMatchObject({ model_type: 'gpt2', n_positions: 32, eos_token_id: 0 });
  });

  test('writes lines like those it has read', async () => {
    const args = ['generate', 'The cat ', '-m', 'model', '-q', '--max-new-tokens', '20'];
    const [line] = (await folder.ok(args)).split('\n');
    expect(line).toMatch(/^The cat (sees|likes) the /);
  });

  test('Ctrl-C keeps a checkpoint and names the command that goes on to the same model', async () => {
    let interrupted = false;
    const { code, stderr } = await folder.run(pretrain('halves'), {
      onStderr: (text, child) => {
        if (interrupted || !text.includes('step 40: ')) return;
        interrupted = true;
        child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    const [, command] = /Go on with: multihead (.*)\n$/.exec(stderr) ?? [];
    await folder.ok(command!.split(' '));
    const weights = (out: string) => readFileSync(join(folder.path, out, 'model.safetensors'));
    expect(weights('halves').equals(weights('model'))).toBe(true);
  }, 120_000);

  test('a file is one document, blank lines and all, unless --paragraphs parts it', async () => {
    const args = (out: string, ...more: string[]) => [
      ...['pretrain', 'gpt', 'text.txt', '-t', 'characters', '-o', out, '--steps', '1'],
      ...['--layers', '1', '--hidden', '16', '--max-length', '16', ...more],
    ];
    const tokens = async (out: string, ...more: string[]) => {
      const { stderr } = await folder.run(args(out, ...more));
      return Number(/parameters, ([\d,]+) tokens in/.exec(stderr)?.[1]?.replaceAll(',', ''));
    };
    expect(await tokens('whole')).toBe(text.length);
    const parted = paragraphs.reduce((sum, { length }) => sum + length, 0);
    expect(await tokens('parted', '--paragraphs')).toBe(parted);
  });

  test('--from goes on from a model, --dtype F16 halves it', async () => {
    const from = (out: string, ...more: string[]) => [
      ...['pretrain', 'gpt', 'text.txt', '-t', 'characters', '-o', out, '--from', 'model', '-q'],
      ...['--json', '--paragraphs', '--steps', '1', '--batch-size', '16', ...more],
    ];
    const gently = ['--max-length', '32', '--learning-rate', '1e-9', '--eval-fraction', '0.15'];
    const args = from('same', ...gently, '--dtype', 'F16');
    const [{ evaluation }] = jsonLines(await folder.ok(args));
    expect(evaluation.loss).toBeCloseTo(summary.evaluation.loss, 3);
    const size = (out: string) => readFileSync(join(folder.path, out, 'model.safetensors')).length;
    expect(size('same')).toBeLessThan(0.6 * size('model'));
    const says = 'model takes 32 tokens of a vocabulary of 257; --max-length is 64';
    expect(await folder.fails(from('never', '--max-length', '64'), 2)).toContain(says);
    expect(folder.has('never')).toBe(false);
  });

  test('refuses a tokenizer that ends texts, and a text too short for a row', async () => {
    await folder.ok(['train-tokenizer', 'text.txt', '-o', 'pieces', '--vocab-size', '90', '-q']);
    const args = (tokenizer: string, file: string) => [
      ...['pretrain', 'gpt', file, '-t', tokenizer, '-o', 'never', '--steps', '1', '-q'],
    ];
    expect(await folder.fails(args('pieces', 'text.txt'))).toContain('--type bpe');
    folder.write('short.txt', 'The cat');
    expect(await folder.fails(args('characters', 'short.txt'))).toContain('--max-length 128');
  });
});

describe('evaluate', () => {
  const held = 'The senator follows the cat.\n\nThe dog fears it.\n\n'.repeat(4);
  const run = (...more: string[]) => ['evaluate', 'held.txt', '-m', 'model', '-q', ...more];
  beforeAll(() => folder.write('held.txt', held));

  test.each<[string[], { windowLength?: number; stride?: number }]>([
    [[], {}],
    [['--window', '16', '--stride', '4'], { windowLength: 16, stride: 4 }],
  ])('gives what the package does, with %j', async (args, options) => {
    await useWasm();
    const source = join(folder.path, 'model');
    using model = await GPT2LMHeadModel.fromPretrained(source);
    const documents = [(await loadTokenizer(source)).encodeIds(held)];
    const bytes = held.length;
    const wanted = await evaluateCausalLM({ model, documents, bytes, ...options });
    const [found] = jsonLines(await folder.ok(run('--json', ...args)));
    const counts = { bytes, characters: bytes, unknownTokens: 0, documents: 1 };
    expect(found).toMatchObject({ tokens: wanted.tokens, ...counts });
    expect(found.loss).toBeCloseTo(wanted.loss, 5);
    expect(found.perplexity / wanted.perplexity).toBeCloseTo(1, 4);
    // Every character is a byte and a token here, and the first one is given.
    const share = wanted.tokens / bytes;
    expect(found.bitsPerByte).toBeCloseTo((wanted.loss / Math.LN2) * share, 4);
    const { perplexity } = wanted;
    expect(await folder.ok(run(...args))).toContain(`perplexity ${perplexity.toFixed(3)},`);
  });

  test('a character may be several bytes, and words unknown', async () => {
    const text = 'the cat sees the cat\nthe dog';
    folder.write('known.txt', text);
    folder.write('other.txt', 'thé cat ☃ the');
    const tokenizer = ['train-tokenizer', 'known.txt', '-o', 'words', '--type', 'word-level'];
    await folder.ok([...tokenizer, '--vocab-size', '10', '-q']);
    const pretrain = ['pretrain', 'gpt', 'known.txt', '-t', 'words', '-o', 'of-words', '-q'];
    const sizes = ['--layers', '1', '--hidden', '8', '--heads', '1', '--max-length', '4'];
    await folder.ok([...pretrain, ...sizes, '--steps', '1', '--batch-size', '1']);
    const measure = ['evaluate', 'other.txt', '-m', 'of-words', '-q'];
    const [found] = jsonLines(await folder.ok([...measure, '--json']));
    expect(found).toMatchObject({ tokens: 3, unknownTokens: 2, bytes: 17, characters: 14 });
    expect(found.bitsPerByte).toBeCloseTo((3 * found.loss) / Math.LN2 / 17, 5);
    expect(found.bitsPerCharacter).toBeCloseTo((3 * found.loss) / Math.LN2 / 14, 5);
    expect(await folder.ok(measure)).toContain('; 2 unknown tokens, spelling not counted)');
  });

  test('takes paragraphs by themselves', async () => {
    const [{ documents, bytes }] = jsonLines(await folder.ok(run('--json', '--paragraphs')));
    expect({ documents, bytes }).toEqual({ documents: 8, bytes: held.replaceAll('\n', '').length });
  });

  test('refuses what it cannot measure', async () => {
    expect(await folder.fails(run('--window', '64'), 2)).toContain('context of 32');
    expect(await folder.fails(run('--stride', '32'), 2)).toContain('below the window of 32');
    expect(await folder.fails(run('--memory-length', '0'), 2)).toContain('for a Transformer-XL');
    expect(await folder.fails(run('--same-length'), 2)).toContain('--same-length is for');
    folder.write('empty.txt', '');
    expect(await folder.fails(['evaluate', 'empty.txt', '-m', 'model', '-q'])).toContain('nothing');
  });
});
