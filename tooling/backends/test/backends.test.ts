// WebGL and WebGPU: every op's composition, forward and backward, on the reference's numbers.
import { mkdtemp, rm } from 'node:fs/promises';
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

const repository = fileURLToPath(new URL('../../..', import.meta.url));

const inChromium = withChromium ? describe : describe.skip;
inChromium(
  `in Chromium (${executablePath}${withChromium ? '' : ' is not there: left out'})`,
  () => {
    let profile: string;
    let context: BrowserContext;

    beforeAll(async () => {
      profile = await mkdtemp(path.join(tmpdir(), 'multihead-backends-'));
      context = await launch(profile, { gpu: 'software' });
    }, 60_000);

    afterAll(async () => {
      await context?.close();
      await rm(profile, { recursive: true, force: true });
    });

    test('BERT, GPT and Transformer-XL on webgl and webgpu', async () => {
      const page = await context.newPage();
      // WebGPU is there for trustworthy origins alone, which localhost is.
      await page.route('http://localhost/**', (route) => {
        const { pathname } = new URL(route.request().url());
        if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: '' });
        return route.fulfill({ path: path.join(repository, pathname) });
      });
      await page.goto('http://localhost/');
      const results = await runInPage(
        page,
        fileURLToPath(new URL('./families.page.ts', import.meta.url)),
      );
      expect(results.length).toBeGreaterThan(0);
      const failed = results.filter(({ error }) => error !== undefined);
      if (failed.length > 0)
        throw new Error(failed.map(({ name, error }) => `${name}\n${error}`).join('\n\n'));
    });
  },
);
