import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Folder, folderWithTokenizer, jsonLines, subjects } from '../test/multihead.js';

let folder: Folder;
beforeAll(async () => {
  folder = await folderWithTokenizer();
  await folder.ok([
    ...['pretrain', 'bert', 'text.txt', '-t', 'tokenizer', '-o', 'model', '-q'],
    ...['--layers', '1', '--hidden', '32', '--heads', '2', '--max-length', '16'],
    ...['--batch-size', '16', '--steps', '300', '--learning-rate', '0.005', '--dropout', '0.05'],
    ...['--initializer-range', '0.1', '--mlm-probability', '0.3'],
  ]);
});
afterAll(() => folder.remove());

describe('fill-mask', () => {
  test('fill-mask gives probabilities and texts for several masks', async () => {
    const text = 'The [MASK] sees the [MASK].';
    const args = ['fill-mask', text, '-m', 'model', '--top-k', '3', '--json'];
    const [{ masks }] = jsonLines(await folder.ok(args));
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
    const [{ masks }] = jsonLines(await folder.ok(args));
    const sum = masks[0].predictions.reduce(
      (total: number, { probability }: { probability: number }) => total + probability,
      0,
    );
    expect(sum).toBeCloseTo(1, 4);
  });

  test('fill-mask shows a table, and reads standard input', async () => {
    const args = ['fill-mask', '-', '-m', 'model', '-k', '1'];
    const table = await folder.ok(args, {
      input: 'The cat [MASK] the dog.\n\nThe [MASK] likes the cat.\n',
    });
    expect(table).toMatch(/^The cat \[MASK\] the dog\.$/m);
    expect(table).toMatch(/^\S+ +\d+\.\d\d % +The \S+ likes the cat\.$/m);
  });

  test.each([
    ['The cat.', 'no [MASK]'],
    [`[MASK]${' cat'.repeat(20)}`, '23 tokens and the model takes 16'],
  ])('fill-mask refuses %s', async (text, says) => {
    const { code, stderr } = await folder.run(['fill-mask', text, '-m', 'model']);
    expect(code).toBe(1);
    expect(stderr).toContain(says);
  });
});
