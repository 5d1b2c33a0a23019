import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BertForSequenceClassification } from '@multihead/bert';
import { GPT2ForSequenceClassification } from '@multihead/gpt';
import { loadTokenizer } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import { type Folder, folderWithTokenizer, jsonLines, subjects } from '../test/multihead.js';

let folder: Folder;
const kind = ['sees', 'likes'];
const unkind = ['follows', 'fears'];
/** Whether somebody is kind to somebody: 72 sentences of either sort, in a mixed order. */
const sentences = subjects.flatMap((subject) =>
  subjects.flatMap((other) =>
    [...kind, ...unkind].map((verb) => ({
      text: `The ${subject} ${verb} the ${other}.`,
      mood: kind.includes(verb) ? 'kind' : 'unkind',
    })),
  ),
);
const learned = sentences.filter((_, i) => i % 4 !== 1 || i % 3 > 0);
const heldOut = sentences.filter((_, i) => i % 4 === 1 && i % 3 === 0);

beforeAll(async () => {
  folder = await folderWithTokenizer();
  const sizes = ['--layers', '1', '--hidden', '32', '--heads', '2', '--max-length', '24', '-q'];
  const text = ['text.txt', ...sizes, '--steps', '20', '--dropout', '0.05', '--seed', '1'];
  await folder.ok(['pretrain', 'bert', ...text, '-t', 'tokenizer', '-o', 'bert']);
  const bpe = ['train-tokenizer', 'text.txt', '-o', 'bpe', '--type', 'bpe', '--vocab-size', '300'];
  await folder.ok([...bpe, '-q']);
  await folder.ok(['pretrain', 'gpt', ...text, '-t', 'bpe', '-o', 'gpt']);
  const tsv = (rows: typeof sentences) =>
    ['sentence\tmood', ...rows.map(({ text, mood }) => `${text}\t${mood}`), ''].join('\n');
  folder.write('train.tsv', tsv(learned));
  folder.write('dev.tsv', tsv(heldOut));
  await useWasm();
}, 60_000);
afterAll(() => folder.remove());

const log = (out: string) => jsonLines(folder.read(`${out}/training-log.jsonl`));
const config = (out: string) => JSON.parse(folder.read(`${out}/config.json`));
const weights = (out: string) => readFileSync(join(folder.path, out, 'model.safetensors'));
const finetune = (out: string, ...more: string[]) => [
  ...['finetune', 'train.tsv', '-m', 'bert', '-o', out, '--json', '--text', 'sentence'],
  ...['--label', 'mood', '--eval-files', 'dev.tsv', '--batch-size', '16', '--epochs', '8'],
  ...['--learning-rate', '0.01', '--seed', '3', ...more],
];

describe('finetune', () => {
  let summary: {
    steps: number;
    epoch: number;
    labels: string[];
    evaluation: { accuracy: number; f1: number; examples: number };
    baseline: { answer: string; accuracy: number };
  };
  beforeAll(async () => {
    summary = jsonLines(await folder.ok(finetune('classifier')))[0];
  }, 60_000);

  test('learns to tell classes apart that most sentences have alike', () => {
    const steps = Math.round((8 * learned.length) / 16);
    expect(summary).toMatchObject({ steps, labels: ['kind', 'unkind'] });
    const { accuracy, f1, examples } = summary.evaluation;
    expect(examples).toBe(heldOut.length);
    expect(accuracy).toBeGreaterThan(0.95);
    expect(f1).toBeGreaterThan(0.95);
    const count = (rows: typeof sentences, name: string) =>
      rows.filter(({ mood }) => mood === name).length;
    const { answer } = summary.baseline;
    expect(count(learned, answer)).toBeGreaterThanOrEqual(learned.length / 2);
    expect(summary.baseline.accuracy).toBeCloseTo(count(heldOut, answer) / heldOut.length, 12);
  });

  test('measures after each epoch', () => {
    const lines = log('classifier');
    expect(lines).toHaveLength(summary.steps);
    const measured = lines.filter(({ evalAccuracy }) => evalAccuracy !== undefined);
    const epoch = Math.ceil(learned.length / 16);
    expect(measured.map(({ step }) => step)).toEqual([
      ...Array.from({ length: 8 }, (_, i) => (i + 1) * epoch).filter((s) => s < summary.steps),
      summary.steps,
    ]);
    expect(measured.at(-1)).toMatchObject({
      evalAccuracy: summary.evaluation.accuracy,
      evalF1: summary.evaluation.f1,
    });
  });

  test("saves a folder with the classes' names, which classifies as was measured", async () => {
    expect(config('classifier')).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'kind', 1: 'unkind' },
      label2id: { kind: 0, unkind: 1 },
      problem_type: 'single_label_classification',
    });
    const source = join(folder.path, 'classifier');
    using model = await BertForSequenceClassification.fromPretrained(source);
    const tokenizer = await loadTokenizer(source);
    const texts = heldOut.map(({ text }) => text);
    using outputs = model.forward(tokenizer.encodeBatch(texts, { padding: true }));
    const logits = outputs.logits.dataSync();
    const hits = heldOut.filter(
      ({ mood }, i) => (logits[2 * i]! > logits[2 * i + 1]! ? 'kind' : 'unkind') === mood,
    );
    expect(hits.length / heldOut.length).toBe(summary.evaluation.accuracy);
  });

  test('Ctrl-C keeps a checkpoint and names the command that goes on to the same model', async () => {
    let interrupted = false;
    const args = finetune('halves', '--eval-every', '20');
    const { code, stdout, stderr } = await folder.run(args, {
      onStderr: (text, child) => {
        if (interrupted || !text.includes('step 20: ')) return;
        interrupted = true;
        child.kill('SIGINT');
      },
    });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    const [, command] = /Go on with: multihead (.*)\n$/.exec(stderr) ?? [];
    const [{ resumedFrom }] = jsonLines(await folder.ok(command!.split(' ')));
    expect(resumedFrom).toBeGreaterThanOrEqual(20);
    expect(resumedFrom).toBeLessThan(summary.steps);
    expect(weights('halves').equals(weights('classifier'))).toBe(true);
  }, 60_000);

  test('goes on with a classifier that knows the classes, by name or number', async () => {
    const rows = learned.map(({ text, mood }) => ({
      sentence: text,
      mood: mood === 'kind' ? 0 : 1,
    }));
    folder.write('numbered.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
    const gently = ['--steps', '1', '--learning-rate', '1e-9', '--eval-files', 'dev.tsv', '-q'];
    const args = [
      ...['finetune', 'numbered.jsonl', '-m', 'classifier', '-o', 'again', '--json'],
      ...['--text', 'sentence', '--label', 'mood', ...gently],
    ];
    const [{ evaluation, labels }] = jsonLines(await folder.ok(args));
    expect(labels).toEqual(['kind', 'unkind']);
    expect(evaluation.accuracy).toBe(summary.evaluation.accuracy);
    expect(weights('again').length).toBe(weights('classifier').length);
    // Other classes: a fresh head.
    const three = [...args.slice(0, 5), 'three', ...args.slice(6), '--label-names', 'unkind'];
    const found = await folder.ok([...three, 'kind', 'neither']);
    expect(jsonLines(found)[0].labels).toEqual(['unkind', 'kind', 'neither']);
    expect(config('three').id2label).toEqual({ 0: 'unkind', 1: 'kind', 2: 'neither' });
  });

  test('a GPT learns from pairs in a CSV, padded with the token that ends texts', async () => {
    const rows = learned.map(({ text, mood }) => {
      const [first, second] = text.split(/(?<=sees|likes|follows|fears) /);
      return `"${first}, ""so"" they say",${second},${mood}`;
    });
    folder.write('pairs.csv', ['one,two,mood', ...rows].join('\r\n'));
    const args = [
      ...['finetune', 'pairs.csv', '-m', 'gpt', '-o', 'gpt-classifier', '--json', '-q'],
      ...['--text', 'one', '--text-pair', 'two', '--label', 'mood', '--eval-fraction', '0.1'],
      ...['--epochs', '6', '--batch-size', '16', '--learning-rate', '0.01', '--dtype', 'F16'],
    ];
    const [{ evaluation, baseline }] = jsonLines(await folder.ok(args));
    expect(evaluation.examples).toBe(Math.round(0.1 * learned.length));
    expect(evaluation.accuracy).toBeGreaterThan(baseline.accuracy + 0.2);
    const { eos_token_id: end } = config('gpt');
    expect(config('gpt-classifier')).toMatchObject({
      architectures: ['GPT2ForSequenceClassification'],
      pad_token_id: end,
    });
    using model = await GPT2ForSequenceClassification.fromPretrained(
      join(folder.path, 'gpt-classifier'),
    );
    expect(model.score.weight.shape).toEqual([2, 32]);
  }, 60_000);

  test('regression: a number for each text, columns named where the file has no names', async () => {
    const rows = learned.map(({ text }) => `${text}\t${text.length / 10}`);
    folder.write('lengths.tsv', rows.join('\n'));
    const args = [
      ...['finetune', 'lengths.tsv', '-m', 'bert', '-o', 'lengths', '--json', '-q'],
      ...['--task', 'regression', '--columns', 'text,label', '--eval-fraction', '0.2'],
      ...['--epochs', '40', '--batch-size', '16', '--learning-rate', '3e-3', '--dropout', '0'],
    ];
    const [{ evaluation, baseline, labels }] = jsonLines(await folder.ok(args));
    expect(evaluation.pearson).toBeGreaterThan(0.8);
    expect(evaluation.spearman).toBeGreaterThan(0.7);
    expect(evaluation.loss).toBeLessThan(0.5 * baseline.loss);
    expect(labels).toBeUndefined();
    expect(config('lengths')).toMatchObject({
      problem_type: 'regression',
      id2label: { 0: 'LABEL_0' },
      hidden_dropout_prob: 0,
    });
  }, 60_000);

  test.each<[string, string, string[], string]>([
    ['a missing column', 'text,label\na,b\n', ['--text', 'tweet'], 'there is no column tweet'],
    ['an empty label', 'text,label\na,b\nc,\n', [], 'line 3: the label is empty'],
    ['one class', 'text,label\na,b\nc,b\n', [], 'nothing to tell apart'],
    ['labels that are numbers', 'text,label\na,1.5\nb,2.5\nc,3.5\n', [], '--task regression'],
    ['no number', 'text,label\na,1\nb,two\n', ['--task', 'regression'], 'line 3: the label "two"'],
    ['a short row', 'text,label\na,1\nb\n', [], 'Invalid Record Length'],
    ['two columns of one name', 'text,text\na,b\n', [], 'two columns called "text"'],
    [
      'an unknown class',
      'text,label\na,x\nb,y\n',
      ['--label-names', 'x', 'z'],
      '"y" is none of x, z',
    ],
    ['no text at all', 'text,label\n', [], 'There is no text in bad.csv'],
  ])('refuses %s', async (_, content, more, says) => {
    folder.write('bad.csv', content);
    const args = ['finetune', 'bad.csv', '-m', 'bert', '-o', 'never', '-q', ...more];
    expect(await folder.fails(args)).toContain(says);
    expect(folder.has('never')).toBe(false);
  });

  test('refuses what is no table, and options that mean nothing', async () => {
    const args = (file: string, ...more: string[]) => [
      ...['finetune', file, '-m', 'bert', '-o', 'never', '-q', ...more],
    ];
    folder.write('bad.jsonl', '{"text": "a", "label": 1}\n[1]\n');
    expect(await folder.fails(args('bad.jsonl'))).toContain('line 2: a line must be a JSON object');
    folder.write('bad.jsonl', '{"text": "a"\n');
    expect(await folder.fails(args('bad.jsonl'))).toContain('line 1 is no JSON');
    expect(await folder.fails(args('text.txt'), 2)).toContain('--format (csv, tsv, jsonl)');
    expect(await folder.fails(args('train.tsv', '--max-length', '99'), 2)).toContain('24 tokens');
    const rate = ['--text', 'sentence', '--label', 'mood', '--min-learning-rate', '1e-6'];
    const steady = args('train.tsv', ...rate, '--schedule', 'constant');
    expect(await folder.fails(steady, 2)).toContain('--schedule is constant');
    const other = ['finetune', 'train.tsv', '-m', 'tokenizer', '-o', 'never', '-q'];
    expect(await folder.fails(other)).toContain('there is no config.json');
  });
});

const data = fileURLToPath(new URL('../../../../shared/data/tasks/SST-2', import.meta.url));
const embedded = fileURLToPath(new URL('../../../models/bert-mini-english', import.meta.url));

// Film reviews that lie beside the repository; left out where they do not.
(existsSync(data) ? test : test.skip)(
  'the embedded BERT learns what reviews think of a film',
  async () => {
    const args = [
      ...['finetune', join(data, 'dev.tsv'), '-m', embedded, '-o', 'reviews', '--json', '-q'],
      ...['--text', 'sentence', '--eval-files', join(data, 'test.tsv'), '--steps', '100'],
      ...['--learning-rate', '5e-4', '--eval-every', '100', '--checkpoint-every', '100'],
    ];
    const [{ evaluation, baseline }] = jsonLines(await folder.ok(args));
    expect(baseline.accuracy).toBeCloseTo(444 / 872, 6);
    expect(evaluation.accuracy).toBeGreaterThan(baseline.accuracy + 0.07);
  },
  600_000,
);
