// Runs a bench's page in Chromium, isolated so that threads may be had, and prints what it says.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { modelsFolder, peersFolder } from './peers.mjs';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const types = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** Calls the page's `run(options)`. */
export async function inChromium(page, options) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(page, import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  const server = await serve(outputFiles[0].contents);
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const tab = await browser.newPage();
    tab.on('console', (message) => console.log(message.text()));
    await tab.goto(`http://127.0.0.1:${server.address().port}/`);
    await tab.waitForFunction(() => globalThis.run);
    console.log(`Chromium ${browser.version()}`);
    await tab.evaluate((given) => globalThis.run(given), options);
  } finally {
    await browser.close();
    server.close();
  }
}

async function serve(script) {
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, 'http://localhost');
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    response.setHeader('content-type', types[path.extname(pathname)] ?? 'application/octet-stream');
    const [, place, ...rest] = pathname.split('/');
    if (pathname === '/') {
      response.setHeader('content-type', 'text/html');
      response.end(
        '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
      );
    } else if (pathname === '/page.js') {
      response.end(script);
    } else {
      const root = { models: modelsFolder, peers: `${peersFolder}node_modules` }[place];
      const file = root && path.join(root, ...rest);
      const found = file && (await stat(file).catch(() => undefined));
      if (!found?.isFile()) return response.writeHead(404).end();
      response.setHeader('content-length', found.size);
      createReadStream(file).pipe(response);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
