// A Chromium for tests, and jest's tests inside one of its pages.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Result } from './jest.js';

export type { BrowserContext, Page } from 'playwright-core';

export const executablePath: string = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
export const withChromium: boolean = existsSync(executablePath);

const gpu = {
  off: ['--disable-gpu'],
  // WebGL and WebGPU on the processor, by SwiftShader, on machines without a graphics card too.
  software: [
    ...['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
    ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    '--enable-features=Vulkan',
  ],
};

/** A browser without a window, whose profile is a new folder. */
export function launch(
  profile: string,
  options: { gpu?: keyof typeof gpu } = {},
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
      ...gpu[options.gpu ?? 'off'],
    ],
  });
}

/** Runs a test file in the page as jest runs it in Node, and says what became of each test. */
export async function runInPage(page: Page, file: string): Promise<Result[]> {
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
