// What a user's build does with the package: Vite, webpack and esbuild with their default settings, in
// Chromium where there is one, and Node without a bundler and with one. Reads dist/, as users do.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserContext, inChromium } from '@multihead/chromium';
import * as esbuild from 'esbuild';
import webpack from 'webpack';

const app = fileURLToPath(new URL('../test/app/', import.meta.url));
const entry = path.join(app, 'main.js');
const run = promisify(execFile);
const require = createRequire(import.meta.url);

const bundlers = {
  async vite(outDir: string): Promise<void> {
    // By its command: Vite's native parts refuse objects of jest's module context.
    const vite = path.join(path.dirname(require.resolve('vite/package.json')), 'bin/vite.js');
    await run(process.execPath, [vite, 'build', app, '--outDir', outDir]);
  },
  async webpack(outDir: string): Promise<void> {
    await copyFile(path.join(app, 'index.html'), path.join(outDir, 'index.html'));
    const compiler = webpack({
      mode: 'production',
      entry,
      output: { path: outDir },
      performance: false,
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    await promisify(compiler.close.bind(compiler))();
    if (stats?.hasErrors()) throw new Error(stats.toString('errors-only'));
  },
  async esbuild(outDir: string): Promise<void> {
    await copyFile(path.join(app, 'index.html'), path.join(outDir, 'index.html'));
    const outfile = path.join(outDir, 'main.js');
    await esbuild.build({ entryPoints: [entry], bundle: true, minify: true, outfile });
  },
};

const product = [14, 32, 32, 77];
let folder: string;
let site: Server;
let served = '';
let headers: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'multihead-wasm-'));
  site = createServer(async ({ url = '/' }, response) => {
    const file = path.join(folder, served, new URL(url, 'http://localhost').pathname);
    const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };
    const body = await readFile(file).catch(() => undefined);
    const type = types[path.extname(file)] ?? 'application/octet-stream';
    response.writeHead(body ? 200 : 404, { 'content-type': type, ...headers });
    response.end(body);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await new Promise((resolve) => site.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

/** Opens the built page and gives what it reports and which files it asked for. */
async function open(
  browser: BrowserContext,
  name: string,
  withHeaders: Record<string, string> = {},
) {
  served = name;
  headers = withHeaders;
  const page = await browser.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  page.on('pageerror', (error) => errors.push(error.message));
  const { port } = site.address() as AddressInfo;
  await page.goto(`http://127.0.0.1:${port}/index.html`);
  await page.waitForFunction(() => document.title !== '', null, { timeout: 20_000 });
  const isolated = await page.evaluate(() => crossOriginIsolated);
  const result = JSON.parse(await page.title());
  await page.close();
  return { result, requests, errors, isolated };
}

inChromium((browser) => {
  for (const [name, build] of Object.entries(bundlers))
    test(`built by ${name}, with no request for a binary, also under a strict policy`, async () => {
      const outDir = path.join(folder, name);
      await mkdir(outDir);
      await build(outDir);
      const { result, requests, errors } = await open(browser(), name, {
        'content-security-policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'",
      });
      expect(errors).toEqual([]);
      expect(result).toMatchObject({ backend: 'wasm', stock: product, ours: product });
      expect(result.same).toEqual({ threads: 1, equal: true });
      expect(requests.filter((file) => !/\.(html|js)$|favicon/.test(file))).toEqual([]);
    }, 60_000);

  test.each(['esbuild', 'webpack', 'vite'])(
    'an isolated page (%s) has threads',
    async (name) => {
      const { result, isolated } = await open(browser(), name, {
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      });
      expect(isolated).toBe(true);
      expect(result.same).toEqual({ threads: 2, equal: true });
      expect(result).toMatchObject({ backend: 'wasm', stock: product, ours: product });
    },
    30_000,
  );

  test('a page that forbids WebAssembly is told so', async () => {
    const { result } = await open(browser(), 'esbuild', {
      'content-security-policy': "script-src 'self'",
    });
    expect(result.code).toBe('WASM_BLOCKED');
  }, 30_000);
});

describe('in Node', () => {
  test('without a bundler', async () => {
    const { stdout } = await run(process.execPath, [entry]);
    expect(JSON.parse(stdout)).toMatchObject({ backend: 'wasm', stock: product, ours: product });
  }, 30_000);

  test('bundled by esbuild', async () => {
    const outfile = path.join(folder, 'main.cjs');
    await esbuild.build({ entryPoints: [entry], bundle: true, platform: 'node', outfile });
    const { stdout } = await run(process.execPath, [outfile], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({ backend: 'wasm', stock: product, ours: product });
  }, 30_000);
});
