// A Chromium for tests, and the tests of the kernels inside one of its pages.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Result } from './chromium/jest.js';

export const executablePath: string = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
export const withChromium: boolean = existsSync(executablePath);

/** A browser without a window, whose profile is a new folder. */
export function launch(profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
    ],
  });
}

/** Runs a test file of src/ in the page as jest runs it in Node, and says what became of each test. */
export async function runInPage(page: Page, file: string): Promise<Result[]> {
  const jest = fileURLToPath(new URL('./chromium/jest.ts', import.meta.url));
  const { outputFiles } = await esbuild.build({
    stdin: {
      contents: `import './${file}'; export { run } from '${jest}';`,
      resolveDir: fileURLToPath(new URL('../src/', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'tests',
    // A test file is imported for its side effects, which package.json denies.
    ignoreAnnotations: true,
    // Workspace packages are read from their sources, as jest reads them.
    conditions: ['@multihead/source'],
    alias: { '@jest/globals': jest, 'node:v8': jest },
  });
  await page.addScriptTag({ content: outputFiles[0]!.text });
  return page.evaluate(() =>
    (globalThis as unknown as { tests: typeof import('./chromium/jest.js') }).tests.run(),
  );
}
