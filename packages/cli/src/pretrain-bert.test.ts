import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Folder, folderWithTokenizer, jsonLines } from '../test/multihead.js';

let folder: Folder;
beforeAll(async () => {
  folder = await folderWithTokenizer();
});
afterAll(() => folder.remove());

describe('pretrain bert', () => {
  const pretrain = (out: string, ...more: string[]) => [
    ...['pretrain', 'bert', 'text.txt', '-t', 'tokenizer', '-o', out, '--json'],
    ...['--layers', '1', '--hidden', '32', '--heads', '2', '--max-length', '16'],
    ...['--batch-size', '16', '--steps', '300', '--learning-rate', '0.005', '--dropout', '0.05'],
    ...['--initializer-range', '0.1', '--mlm-probability', '0.3', '--eval-fraction', '0.2'],
    ...['--eval-every', '100', '--checkpoint-every', '100', ...more],
  ];
  const log = (out: string) => jsonLines(folder.read(`${out}/training-log.jsonl`));
  let summary: { steps: number; resumedFrom: number; evaluation: { loss: number } };

  beforeAll(async () => {
    summary = jsonLines(await folder.ok(pretrain('model')))[0];
  }, 120_000);

  test('learns more than how often each token stands in the text', () => {
    const words = folder
      .read('text.txt')
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
    const { code, stdout, stderr } = await folder.run(pretrain('halves'), {
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
    expect(folder.has('halves/model.safetensors')).toBe(false);

    const [rest] = jsonLines(await folder.ok(command!.split(' ')));
    expect(rest.resumedFrom).toBe(stopped);
    const weights = (out: string) => readFileSync(join(folder.path, out, 'model.safetensors'));
    expect(weights('halves').equals(weights('model'))).toBe(true);
    const losses = (out: string) => log(out).map(({ step, loss }) => [step, loss]);
    expect(losses('halves')).toEqual(losses('model'));
  }, 120_000);

  test('a folder with checkpoints is not overwritten without --resume', async () => {
    const { code, stderr } = await folder.run(pretrain('model', '-q'));
    expect(code).toBe(1);
    expect(stderr).toContain('Add --resume');
  });

  test('--resume with other settings is refused', async () => {
    const { code, stderr } = await folder.run(pretrain('model', '-q', '--resume', '--seed', '7'));
    expect(code).toBe(1);
    expect(stderr).toContain('seed was 42 and is 7');
  });

  test('--dtype F16 halves the weights', async () => {
    const size = (out: string) => readFileSync(join(folder.path, out, 'model.safetensors')).length;
    await folder.ok([...pretrain('half', '-q'), '--steps', '1', '--dtype', 'F16']);
    expect(size('half')).toBeLessThan(0.6 * size('model'));
  });

  test('--from goes on from a model, in longer rows where it has the positions', async () => {
    const config = (out: string) => JSON.parse(folder.read(`${out}/config.json`));
    await folder.ok([
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
    await folder.ok(from('longer', 'short', '--max-length', '16'));
    expect(config('longer')).toEqual(config('short'));

    // A step at a rate of nearly 0 leaves the trained model as good as it was.
    const gently = ['--max-length', '16', '--learning-rate', '1e-9', '--mlm-probability', '0.3'];
    const [{ evaluation }] = jsonLines(await folder.ok(from('same', 'model', ...gently)));
    expect(evaluation.loss).toBeCloseTo(summary.evaluation.loss, 3);

    const tooLong = await folder.run(from('never', 'model', '--max-length', '32'));
    expect(tooLong.code).not.toBe(0);
    expect(tooLong.stderr.trim().split('\n')).toHaveLength(1);
    const resized = await folder.run(from('never', 'model', '--hidden', '64'));
    expect(resized.code).toBe(2);
    expect(folder.has('never')).toBe(false);
  }, 60_000);
});
