// The tests of the kernels once more, in Chromium: another engine's compiler, and relaxed SIMD as users
// have it. Every test file that runs kernels through test/kernels.ts takes part by itself.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '@jest/globals';
import { expectPassing, inChromium } from '@multihead/chromium';

const src = fileURLToPath(new URL('.', import.meta.url));
const names = (await readdir(src)).filter((name) => name.endsWith('.test.ts'));
const sources = await Promise.all(names.map((name) => readFile(path.join(src, name), 'utf8')));
const files = names.filter((_, i) => /from '\.\.\/test\/kernels\.js'/.test(sources[i]!));

inChromium((browser) => {
  test.each(files)('%s', async (file) => {
    const page = await browser().newPage();
    await expectPassing(page, path.join(src, file));
    await page.close();
  });
});
