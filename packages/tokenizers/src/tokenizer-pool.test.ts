import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type * as Tokenizers from './index.js';
import type * as Pool from './tokenizer-pool.js';

// Threads run the package as it is built, not its sources.
const built = (name: string) => import(new URL(`../dist/${name}`, import.meta.url).href);
const { trainBpe, trainWordPiece }: typeof Tokenizers = await built('index.js');
const { TokenizerPool }: typeof Pool = await built('tokenizer-pool.js');
const lines = Array.from(
  { length: 4000 },
  (_, i) => `Line ${i}: the river, ${'a heron '.repeat(i % 40)}`,
);
const tokenizer = await trainWordPiece(lines, { vocabSize: 200 });
let pool: Pool.TokenizerPool;
beforeAll(async () => {
  pool = await TokenizerPool.create(tokenizer, { threads: 2 });
});
afterAll(() => pool.dispose());

describe('a pool of threads', () => {
  test('gives the ids that the tokenizer gives, in order', async () => {
    expect(await pool.encodeIds(lines)).toEqual(lines.map((line) => tokenizer.encodeIds(line)));
    const bare = await pool.encodeIds(['the river'], { addSpecialTokens: false });
    expect(bare).toEqual([tokenizer.encodeIds('the river', { addSpecialTokens: false })]);
    expect(await pool.encodeIds([])).toEqual([]);
  });

  test('gives the batches that the tokenizer gives', async () => {
    const inputs = [
      ...lines.slice(0, 50),
      { text: 'the river', pair: 'a heron' },
      ['the', 'river'],
    ];
    for (const options of [
      {},
      { padding: 'longest' as const, padToMultipleOf: 8 },
      { truncation: 'longest_first' as const, maxLength: 12, padding: 'max_length' as const },
      { maxLength: 9, stride: 2, returnOverflowing: true, padding: true },
      {
        maxLength: 9,
        truncationSide: 'left' as const,
        padding: true,
        paddingSide: 'left' as const,
      },
    ]) {
      const batch = await pool.encodeBatch(inputs, options);
      const expected = tokenizer.encodeBatch(inputs, options);
      expect(JSON.stringify(batch.encodings)).toBe(JSON.stringify(expected.encodings));
      expect(batch.inputIds).toEqual(expected.inputIds);
    }
  });

  test('an added token keeps the text it was found as', async () => {
    const other = await trainWordPiece(lines, { vocabSize: 200 });
    other.addTokens([{ content: '<x>', lstrip: true, normalized: false }]);
    await using two = await TokenizerPool.create(other, { threads: 2 });
    const { encodings } = await two.encodeBatch(['the  <x> river', 'the <x>']);
    expect(encodings[0]!.tokens).toEqual(other.encode('the  <x> river').tokens);
    expect(encodings[0]!.tokens).toContain('  <x>');
  });

  test('stops when aborted, and works on after it', async () => {
    const controller = new AbortController();
    const many = Array.from({ length: 50 }, () => 'the river '.repeat(30_000));
    const aborted = pool.encodeIds(many, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', cause: new Error('enough') });
    expect(await pool.encodeIds(['river'])).toEqual([tokenizer.encodeIds('river')]);
  });

  test('an error in a thread is the error of the call', async () => {
    await expect(pool.encodeBatch([['the']], { maxLength: 1 })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
    await expect(TokenizerPool.create(tokenizer, { threads: 0 })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
  });

  test('what is left to do fails when it is disposed of', async () => {
    const other = await TokenizerPool.create(await trainBpe(['river'], { vocabSize: 260 }), {
      threads: 1,
    });
    const pending = other.encodeIds(lines);
    const failed = expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
    await other.dispose();
    await failed;
    await expect(other.encodeIds(['x'])).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('a thread that ends fails its work, and the call says so', async () => {
    const workers = new Set<Worker>();
    const post = jest.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (
      this: Worker,
      job,
    ) {
      workers.add(this);
      post.mockRestore();
      this.postMessage(job);
    });
    const other = await TokenizerPool.create(tokenizer, { threads: 1 });
    const pending = other.encodeIds(lines);
    const failed = expect(pending).rejects.toMatchObject({ code: 'THREAD_FAILED' });
    expect(workers.size).toBe(1);
    for (const worker of workers) await worker.terminate();
    await failed;
    await expect(other.encodeIds(['x'])).rejects.toMatchObject({ code: 'THREAD_FAILED' });
    await other.dispose();
  });
});
