// A Chromium for tests, and jest's tests inside one of its pages.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import * as esbuild from 'esbuild';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Result } from './jest.js';

export type { BrowserContext } from 'playwright-core';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const withChromium = existsSync(executablePath);

const gpu = {
  off: ['--disable-gpu'],
  // WebGL and WebGPU on the processor, by SwiftShader, on machines without a graphics card too.
  software: [
    ...['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
    ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    '--enable-features=Vulkan',
  ],
};

/** `describe` with a browser of its own, where there is a Chromium; `gpu` off by default. */
export function inChromium(
  tests: (browser: () => BrowserContext) => void,
  options: { gpu?: keyof typeof gpu } = {},
): void {
  const title = `in Chromium (${executablePath}${withChromium ? '' : ' is not there: left out'})`;
  (withChromium ? describe : describe.skip)(title, () => {
    let profile: string;
    let context: BrowserContext;

    beforeAll(async () => {
      profile = await mkdtemp(path.join(tmpdir(), 'multihead-chromium-'));
      context = await launch(profile, gpu[options.gpu ?? 'off']);
    }, 60_000);

    afterAll(async () => {
      await context?.close();
      await rm(profile, { recursive: true, force: true });
    });

    tests(() => context);
  });
}

/** A browser without a window, whose profile is a new folder. */
const launch = (profile: string, more: string[]): Promise<BrowserContext> =>
  chromium.launchPersistentContext(profile, {
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
      ...more,
    ],
  });

/** Every test of a file passes in the page, and there are some. */
export async function expectPassing(page: Page, file: string): Promise<void> {
  const results = await runInPage(page, file);
  expect(results.length).toBeGreaterThan(0);
  const failed = results.filter(({ error }) => error !== undefined);
  if (failed.length > 0)
    throw new Error(failed.map(({ name, error }) => `${name}\n${error}`).join('\n\n'));
}

/** Runs a test file in the page as jest runs it in Node, and says what became of each test. */
async function runInPage(page: Page, file: string): Promise<Result[]> {
  const jest = fileURLToPath(new URL('./jest.ts', import.meta.url));
  const { outputFiles } = await esbuild.build({
    stdin: {
      contents: `import ${JSON.stringify(file)}; export { run } from ${JSON.stringify(jest)};`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'tests',
    // Workspace packages are read from their sources, as jest reads them.
    conditions: ['@multihead/source'],
    alias: { '@jest/globals': jest, 'node:v8': jest },
    plugins: [
      {
        name: 'what a page has of the files',
        setup: ({ onResolve }) => {
          // The tests are there for their side effects, which their package.json may deny.
          onResolve({ filter: /^\// }, ({ path }) =>
            path === file ? { path, sideEffects: true } : undefined,
          );
          // What only Node has may be imported by what no test here uses.
          onResolve({ filter: /^node:/ }, ({ path }) =>
            path === 'node:v8' ? undefined : { path, external: true, sideEffects: false },
          );
        },
      },
    ],
  });
  await page.addScriptTag({ content: outputFiles[0]!.text });
  return page.evaluate(() =>
    (globalThis as unknown as { tests: typeof import('./jest.js') }).tests.run(),
  );
}
