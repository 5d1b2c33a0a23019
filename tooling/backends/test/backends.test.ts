// WebGL and WebGPU: every op's composition, forward and backward, on the reference's numbers.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '@jest/globals';
import { expectPassing, inChromium } from '@multihead/chromium';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

inChromium(
  (browser) => {
    test('BERT, GPT and Transformer-XL on webgl and webgpu', async () => {
      const page = await browser().newPage();
      // WebGPU is there for trustworthy origins alone, which localhost is.
      await page.route('http://localhost/**', (route) => {
        const { pathname } = new URL(route.request().url());
        if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: '' });
        return route.fulfill({ path: path.join(repository, pathname) });
      });
      await page.goto('http://localhost/');
      await expectPassing(page, fileURLToPath(new URL('./families.page.ts', import.meta.url)));
    });
  },
  { gpu: 'software' },
);
