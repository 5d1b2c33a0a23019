// The tests of the kernels once more, in Chromium: another engine's compiler, and relaxed SIMD as users
// have it. Every test file that runs kernels through test/kernels.ts takes part by itself.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type BrowserContext,
  executablePath,
  launch,
  runInPage,
  withChromium,
} from '@multihead/chromium';

const src = fileURLToPath(new URL('.', import.meta.url));
const names = (await readdir(src)).filter((name) => name.endsWith('.test.ts'));
const sources = await Promise.all(names.map((name) => readFile(path.join(src, name), 'utf8')));
const files = names.filter((_, i) => /from '\.\.\/test\/kernels\.js'/.test(sources[i]!));

const inChromium = withChromium ? describe : describe.skip;
inChromium(
  `in Chromium (${executablePath}${withChromium ? '' : ' is not there: left out'})`,
  () => {
    let folder: string;
    let context: BrowserContext;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'multihead-wasm-'));
      context = await launch(folder);
    }, 60_000);

    afterAll(async () => {
      await context?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test.each(files)('%s', async (file) => {
      const page = await context.newPage();
      const results = await runInPage(page, path.join(src, file));
      await page.close();
      expect(results.length).toBeGreaterThan(0);
      const failed = results.filter(({ error }) => error !== undefined);
      if (failed.length > 0)
        throw new Error(failed.map(({ name, error }) => `${name}\n${error}`).join('\n\n'));
    });
  },
);
