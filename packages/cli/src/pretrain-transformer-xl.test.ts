import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadTokenizer } from '@multihead/tokenizers';
import { evaluateStreams } from '@multihead/training';
import { TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import { Folder, jsonLines, subjects } from '../test/multihead.js';

let folder: Folder;
const verbs = ['sees', 'likes'];
const text = subjects
  .map((subject) =>
    verbs
      .flatMap((verb) => subjects.map((other) => `The ${subject} ${verb} the ${other}.`))
      .join('\n'),
  )
  .join('\n\n');

const pretrain = (out: string, ...more: string[]) => [
  ...['pretrain', 'transformer-xl', 'text.txt', '-t', 'characters', '-o', out, '--json'],
  ...['--layers', '1', '--hidden', '32', '--heads', '2', '--segment-length', '16'],
  ...['--memory-length', '16', '--batch-size', '16', '--steps', '240', '--learning-rate', '0.01'],
  ...['--paragraphs', '--eval-fraction', '0.15', '--eval-every', '40', '--checkpoint-every', '40'],
  ...['--dropout', '0'],
  ...more,
];
let summary: { steps: number; evaluation: { loss: number; bitsPerCharacter: number } };

beforeAll(async () => {
  folder = new Folder();
  folder.write('text.txt', text);
  const args = ['train-tokenizer', 'text.txt', '-o', 'characters', '--type', 'bpe', '-q'];
  await folder.ok([...args, '--vocab-size', '257']);
  summary = jsonLines(await folder.ok(pretrain('model')))[0];
}, 120_000);
afterAll(() => folder.remove());

test('learns more than how often each character stands in the text, and is saved', () => {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const shares = [...counts.values()].map((count) => count / text.length);
  const entropy = -shares.reduce((sum, share) => sum + share * Math.log(share), 0);
  const { loss, bitsPerCharacter } = summary.evaluation;
  expect(summary.steps).toBe(240);
  expect(loss).toBeLessThan(0.6 * entropy);
  expect(bitsPerCharacter).toBeCloseTo(loss / Math.LN2, 5);
  expect(JSON.parse(folder.read('model/config.json'))).toMatchObject({
    ...{ model_type: 'transfo-xl', mem_len: 16, tgt_len: 16, d_model: 32, n_head: 2, d_head: 16 },
    ...{ cutoffs: [], same_length: false, attn_type: 0, untie_r: true, clamp_len: -1 },
  });
});

test('writes lines like those it has read, and can be measured', async () => {
  const prompt = `${text.slice(0, 60)}\nThe ${subjects[0]} `;
  const args = ['generate', prompt, '-m', 'model', '-q', '--max-new-tokens', '12'];
  expect((await folder.ok(args)).slice(prompt.length)).toMatch(/^(sees|likes) the/);
  const measured = await folder.ok(['evaluate', 'text.txt', '-m', 'model', '-q', '--json']);
  expect(jsonLines(measured)[0].loss).toBeLessThan(1.2 * summary.evaluation.loss);
  const window = ['evaluate', 'text.txt', '-m', 'model', '-q', '--stride', '4'];
  expect(await folder.fails(window, 2)).toContain('leave out --stride');
});

test('is measured, and writes, with any memory, as the package gives it', async () => {
  const args = ['evaluate', 'text.txt', '-m', 'model', '-q', '--json', '--window', '4'];
  const lossWith = async (...more: string[]): Promise<number> =>
    jsonLines(await folder.ok([...args, ...more]))[0].loss;
  await useWasm();
  using model = await TransfoXLLMHeadModel.fromPretrained(join(folder.path, 'model'));
  const ids = (await loadTokenizer(join(folder.path, 'characters'))).encodeIds(`${text}\n`);
  const of = async (lengths: object) =>
    (await evaluateStreams({ model, ids, segmentLength: 4, ...lengths })).loss;
  const losses: number[] = [];
  for (const [flags, lengths] of [
    [['--memory-length', '0'], { memLen: 0 }],
    [['--memory-length', '4'], { memLen: 4 }],
    [['--memory-length', '4', '--clamp-length', '2'], { memLen: 4, clampLen: 2 }],
    [['--memory-length', '4', '--same-length'], { memLen: 4, sameLength: true }],
    [[], {}],
  ] as const) {
    losses.push(await lossWith(...flags));
    expect(losses.at(-1)).toBeCloseTo(await of(lengths), 5);
  }
  expect(new Set(losses.map((loss) => loss.toFixed(4))).size).toBe(losses.length);
  expect(losses[0]! - losses[1]!).toBeGreaterThan(0.1);
  expect(losses[1]! - losses.at(-1)!).toBeGreaterThan(0.1); // 16, as it was made

  const fails = (...more: string[]) => folder.fails([...args, ...more], 2);
  expect(await fails('--memory-length', '0', '--same-length')).toContain('needs a memory');
  const write = ['generate', text.slice(0, 100), '-m', 'model', '-q', '--max-new-tokens', '20'];
  const written = await folder.ok(write);
  expect(await folder.ok([...write, '--memory-length', '16'])).toBe(written);
  expect(await folder.ok([...write, '--memory-length', '0'])).not.toBe(written);
}, 60_000);

test('Ctrl-C keeps a checkpoint with the memories, from which the same model comes', async () => {
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

test('--from goes on from a model as it is made, --dtype F16 halves it', async () => {
  const from = (out: string, ...more: string[]) => [
    ...['pretrain', 'transformer-xl', 'text.txt', '-t', 'characters', '-o', out, '--json', '-q'],
    ...['--from', 'model', '--segment-length', '16', '--batch-size', '16', '--steps', '4'],
    ...['--paragraphs', '--eval-fraction', '0.15', '--eval-every', '4'],
    ...more,
  ];
  const args = from('further', '--learning-rate', '1e-7', '--dtype', 'F16');
  folder.write('model/generation_config.json', '{ "max_new_tokens": 3 }');
  const [{ evaluation }] = jsonLines(await folder.ok(args));
  expect(evaluation.loss).toBeCloseTo(summary.evaluation.loss, 2);
  expect(JSON.parse(folder.read('further/config.json'))).toEqual(
    JSON.parse(folder.read('model/config.json')),
  );
  expect(folder.read('further/generation_config.json')).toBe('{ "max_new_tokens": 3 }');
  const write = ['generate', 'The', '-m', 'further', '-q', '--json'];
  expect(jsonLines(await folder.ok(write))[0].texts[0].tokens).toHaveLength(3);
  rmSync(join(folder.path, 'model/generation_config.json'));
  const bytes = (out: string) =>
    readFileSync(join(folder.path, out, 'model.safetensors')).byteLength;
  expect(bytes('further') / bytes('model')).toBeCloseTo(0.5, 1);

  expect(await folder.fails(from('never', '--memory-length', '8'), 2)).toContain(
    "'--from <source>'",
  );
  const other = ['train-tokenizer', 'text.txt', '-o', 'other', '--type', 'bpe', '-q'];
  await folder.ok([...other, '--vocab-size', '258']);
  const says = 'model has a vocabulary of 257, the tokenizer one of 258';
  expect(await folder.fails(from('never', '-t', 'other'), 2)).toContain(says);
});

test('every switch reaches the model', async () => {
  const args = pretrain(
    'switches',
    ...['--memory-length', '8', '--same-length', '--clamp-length', '6', '--pre-norm'],
    ...['--tied-biases', '--cutoffs', '100,200', '--div-val', '2', '--extended-length', '2'],
    ...['--attention-dropout', '0.2', '--variable-length', '--eval-memory-length', '24'],
    ...['--eval-segment-length', '4', '--steps', '2', '--eval-every', '2', '-q'],
    ...['--embedding-size', '24', '--head-size', '12', '--untied-words'],
    ...['--initializer', 'uniform', '--initializer-range', '0.1', '--projection-range', '0.03'],
    ...['--schedule', 'inverse-sqrt'],
  );
  const [{ evaluation }] = jsonLines(await folder.ok(args));
  expect(evaluation.loss).toBeGreaterThan(0);
  expect(JSON.parse(folder.read('switches/config.json'))).toMatchObject({
    ...{ mem_len: 8, same_length: true, clamp_len: 6, pre_lnorm: true, untie_r: false },
    ...{ cutoffs: [100, 200], div_val: 2, ext_len: 2, dropatt: 0.2 },
    ...{ d_embed: 24, d_head: 12, tie_word_embeddings: false },
    ...{ init: 'uniform', init_range: 0.1, proj_init_std: 0.03 },
  });
  for (const [name, attnType] of [
    ['learnt', 1],
    ['absolute', 2],
    ['absolute-learnt', 3],
  ] as const) {
    const more = ['--attention', name, '--memory-length', '0', '--steps', '1', '-q'];
    await folder.ok(pretrain(name, ...more));
    const config = JSON.parse(folder.read(`${name}/config.json`));
    expect(config).toMatchObject({ attn_type: attnType, mem_len: 0 });
    // Of 16 distances that types 1 and 3 have learnt.
    const measure = ['evaluate', 'text.txt', '-m', name, '-q', '--memory-length'];
    await folder.ok([...measure, '15']);
    if (attnType === 2) await folder.ok([...measure, '16']);
    else expect(await folder.fails([...measure, '16'], 2)).toContain('is at most 15');
  }
}, 120_000);

test('a step in several passes is the same step; killed, it goes on to the same model', async () => {
  const rate = ['--schedule', 'constant', '--learning-rate', '0.2', '--max-grad-norm', '0.5'];
  const sgd = ['--optimizer', 'sgd', '--momentum', '0.5', ...rate, '--steps', '12'];
  const often = ['--eval-every', '4', '--checkpoint-every', '4'];
  const passes = ['--batch-size', '4', '--grad-accumulation', '4', '--unclipped-embeddings'];
  const whole = ['--batch-size', '16', '--unclipped-embeddings'];
  await folder.ok(pretrain('at-once', ...sgd, ...often, ...whole));
  await folder.ok(pretrain('in-passes', ...sgd, ...often, ...passes));
  const logOf = (out: string): { loss: number; gradNorm: number }[] =>
    jsonLines(folder.read(`${out}/training-log.jsonl`));
  const [log, cut] = [logOf('at-once'), logOf('in-passes')];
  expect(log).toHaveLength(12);
  log.forEach(({ loss, gradNorm }, i) => {
    expect(cut[i]!.loss).toBeCloseTo(loss, 4);
    expect(cut[i]!.gradNorm).toBeCloseTo(gradNorm, 4);
  });
  expect(log.at(-1)!.loss).toBeLessThan(log[0]!.loss - 0.5);
  await folder.ok(pretrain('clipped', ...sgd, '--batch-size', '16', '-q'));
  expect(logOf('clipped')[0]!.gradNorm).toBeGreaterThan(1.01 * log[0]!.gradNorm);

  const killed = pretrain('killed', ...sgd, ...often, ...passes);
  const { code } = await folder.run(killed, {
    onStderr: (text, child) => void (text.includes('step 4: ') && child.kill('SIGKILL')),
  });
  expect(code).toBeNull();
  await folder.ok([...killed, '--resume', '-q']);
  const weights = (out: string) => readFileSync(join(folder.path, out, 'model.safetensors'));
  expect(weights('killed').equals(weights('in-passes'))).toBe(true);
}, 120_000);

test('a vocabulary can be sampled in training, and Adagrad moves weights', async () => {
  const more = ['--sampled-softmax', '20', '--optimizer', 'adagrad', '--steps', '40', '-q'];
  const [{ evaluation }] = jsonLines(await folder.ok(pretrain('sampled', ...more)));
  expect(evaluation.loss).toBeLessThan(0.75 * Math.log(257));
  expect(JSON.parse(folder.read('sampled/config.json'))).toMatchObject({ sample_softmax: 20 });
  await folder.ok(['evaluate', 'text.txt', '-m', 'sampled', '-q']);
}, 120_000);

test('the rate falls where the held-out loss does, and the steps of an epoch are its segments', async () => {
  const out = 'plateau';
  const rate = ['--schedule', 'plateau', '--decay-rate', '0.1', '--patience', '0', '--warmup', '0'];
  const more = ['--steps', '12', '--learning-rate', '0.5', '--eval-every', '1', '-q'];
  await folder.ok(pretrain(out, ...rate, ...more));
  const log = jsonLines(folder.read(`${out}/training-log.jsonl`));
  const losses = log.map(({ evalLoss }: { evalLoss: number }) => evalLoss);
  const worse = losses.findIndex(
    (loss: number, i: number) => loss > Math.min(...losses.slice(0, i)),
  );
  expect(worse).toBeGreaterThan(0);
  log.slice(0, worse + 2).forEach(({ learningRate }: { learningRate: number }, i: number) => {
    expect(learningRate).toBeCloseTo(i > worse ? 0.05 : 0.5, 10);
  });

  const without = (name: string) => (_: string, i: number, all: string[]) =>
    all[i] !== name && all[i - 1] !== name;
  const drawn = pretrain('drawn', '--variable-length', '--epochs', '2', '-q');
  const [{ steps, epoch }] = jsonLines(await folder.ok(drawn.filter(without('--steps'))));
  expect(epoch).toBe(2);
  expect(steps).toBeGreaterThan(2);
}, 60_000);

test('refuses what does not go together', async () => {
  const fails = (...more: string[]) => folder.fails(pretrain('never', '-q', ...more), 2);
  expect(await fails('--momentum', '0.9')).toContain('--momentum is for --optimizer sgd');
  const sgd = ['--optimizer', 'sgd'];
  expect(await fails(...sgd, '--adam-beta2', '0.9')).toContain('--adam-beta2 is for');
  const sampled = ['--sampled-softmax', '9', '--cutoffs', '99'];
  expect(await fails(...sampled)).toContain('exclude each other');
  const rateless = pretrain('never', '-q', ...sgd).filter(
    (_, i, all) => ![all[i], all[i - 1]].includes('--learning-rate'),
  );
  expect(await folder.fails(rateless, 2)).toContain('has no usual rate: give --learning-rate');
  expect(await fails('--same-length', '--memory-length', '0')).toContain('--memory-length');
  expect(await fails('--cutoffs', '200,100')).toContain('must be ids that rise');
  expect(await fails('--cutoffs', '300')).toContain("below the vocabulary's 257");
  expect(await fails('--heads', '3')).toContain('no multiple of --heads 3');
  expect(await fails('--patience', '2')).toContain('--patience is for --schedule plateau');
  expect(await fails('--decay-rate', '0.2')).toContain('--decay-rate is for');
  const least = ['--schedule', 'inverse-sqrt', '--min-learning-rate', '1e-5'];
  expect(await fails(...least)).toContain('--schedule is inverse-sqrt');
  const unmeasured = ['--schedule', 'plateau', '--eval-fraction', '0'];
  expect(await fails(...unmeasured)).toContain('give --eval-files or --eval-fraction');
  folder.write('short.txt', 'The cat');
  const short = ['pretrain', 'transformer-xl', 'short.txt', '-t', 'characters', '-o', 'never'];
  expect(await folder.fails([...short, '--steps', '1', '-q'])).toContain('too few for 32 streams');
  expect(folder.has('never')).toBe(false);
});
