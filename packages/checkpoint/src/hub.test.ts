import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { webCache } from './hub-cache.js';
import { type Folder, fromFloat32, loadFolder, type Progress, writeSafetensors } from './index.js';

/** What the server answers by path; anything else is a 404. */
let routes: Map<
  string,
  Uint8Array | string | ((req: IncomingMessage, res: ServerResponse) => void)
>;
let requests: string[];
let server: Server;
let base: string;
let cacheDir: string;
let commit: string | undefined;

beforeEach(async () => {
  routes = new Map();
  requests = [];
  commit = undefined;
  cacheDir = await mkdtemp(join(tmpdir(), 'hub-'));
  server = createServer((req, res) => {
    const path = decodeURIComponent(req.url ?? '');
    const route = routes.get(path);
    requests.push(`${path}${req.headers['if-none-match'] ? ' if changed' : ''}`);
    if (commit) res.setHeader('x-repo-commit', commit);
    if (route === undefined) {
      res.writeHead(404).end('Entry not found');
    } else if (typeof route === 'function') {
      route(req, res);
    } else {
      const etag = `"${Buffer.from(route).toString('base64url').slice(-12)}${route.length}"`;
      res.setHeader('etag', etag);
      if (req.headers['if-none-match'] === etag) res.writeHead(304).end();
      else res.writeHead(200, { 'content-length': Buffer.byteLength(route) }).end(route);
    }
  });
  await listen(0);
});
afterEach(async () => {
  await close();
  await rm(cacheDir, { recursive: true, force: true });
});

async function listen(port: number): Promise<void> {
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}

const model = (value: number, size = 4) =>
  writeSafetensors([
    fromFloat32('a', [size], new Float32Array(size).fill(value)),
    fromFloat32('b', [1], new Float32Array([value])),
  ]);

async function valuesOf(folder: Folder): Promise<number[]> {
  const out: number[] = [];
  for await (const { data } of folder.tensors())
    out.push(new Float32Array(data.slice().buffer)[0]!);
  return out;
}

describe('an address', () => {
  test('is read as it arrives, with its query and names escaped', async () => {
    routes.set('/m/config.json?token=1', '{"a": 1e-05}');
    routes.set('/m/model.safetensors?token=1', model(1));
    routes.set('/m/deep/a b.txt?token=1', 'text');
    const folder = await loadFolder(`${base}/m?token=1`);
    expect(folder.configText).toBe('{"a": 1e-05}');
    expect(await valuesOf(folder)).toEqual([1, 1]);
    expect([...(await folder.names()).keys()]).toEqual(['a', 'b']);
    expect(await folder.readText('deep/a b.txt')).toBe('text');
    expect(await folder.readText('none.txt')).toBeUndefined();
    expect(requests.filter((path) => path.includes('model'))).toHaveLength(2);
  });

  test('a sharded model comes through its index', async () => {
    routes.set(
      '/m/model.safetensors.index.json',
      '{"weight_map":{"a":"x.safetensors","b":"x.safetensors"}}',
    );
    routes.set('/m/x.safetensors', model(2));
    const folder = await loadFolder(`${base}/m/`);
    expect(folder.config).toBeUndefined();
    expect(await valuesOf(folder)).toEqual([2, 2]);
  });

  test('of headers alone the beginning is asked for, where the server gives parts', async () => {
    const one = new Float32Array(1);
    const tensors = Array.from({ length: 900 }, (_, i) => fromFloat32(`tensor-${i}`, [1], one));
    const files = new Map([
      ['short', model(1, 100_000)],
      ['long', writeSafetensors(tensors)],
      ['tiny', model(1)],
      ['empty', new Uint8Array()],
    ]);
    const sent: number[] = [];
    for (const [name, bytes] of files) {
      routes.set(`/${name}/config.json`, '{}');
      routes.set(`/${name}/model.safetensors`, (req, res) => {
        const range = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '');
        const part = range ? bytes.subarray(Number(range[1]), Number(range[2]) + 1) : bytes;
        if (range && part.byteLength === 0) return void res.writeHead(416).end();
        sent.push(part.byteLength);
        const place = range && `bytes ${range[1]}-${range[2]}/${bytes.byteLength}`;
        const headers = { 'content-length': part.byteLength };
        res.writeHead(range ? 206 : 200, { ...headers, ...(place && { 'content-range': place }) });
        res.end(part);
      });
    }
    const names = async (name: string) => (await loadFolder(`${base}/${name}`)).names();
    expect((await names('short')).get('a')).toEqual({ dtype: 'F32', shape: [100_000] });
    expect(sent.splice(0)).toEqual([16384]);
    expect((await names('long')).size).toBe(900);
    expect(sent.splice(0)).toEqual([16384, 16384, files.get('long')!.byteLength - 32768]);
    expect((await names('tiny')).size).toBe(2);
    await expect(names('empty')).rejects.toMatchObject({ code: 'SAFETENSORS_TRUNCATED' });
    expect(sent).toEqual([model(1).byteLength, 0]);
    routes.set('/other/config.json', '{}');
    await expect(names('other')).rejects.toMatchObject({ code: 'NOT_FOUND' });

    // A server that gives no parts, and an origin that a page may not ask for any.
    routes.set('/whole/config.json', '{}');
    routes.set('/whole/model.safetensors', model(1, 100_000));
    expect((await names('whole')).size).toBe(2);
    const strict: typeof fetch = (url, init) =>
      new Headers(init?.headers).has('range')
        ? Promise.reject(new TypeError('Failed to fetch'))
        : fetch(url, init);
    const folder = await loadFolder(`${base}/short`, { fetch: strict });
    expect((await folder.names()).size).toBe(2);
  });

  test('no part of a file is left in a browser’s cache, where the whole would meet it', async () => {
    routes.set('/parts/config.json', '{}');
    routes.set('/parts/model.safetensors', model(1));
    const asked: [string | null, RequestCache | undefined][] = [];
    const noting: typeof fetch = (url, init) => {
      asked.push([new Headers(init?.headers).get('range'), init?.cache]);
      return fetch(url, init);
    };
    const folder = await loadFolder(`${base}/parts`, { fetch: noting });
    await folder.names();
    await valuesOf(folder);
    expect(asked).toEqual([
      [null, 'default'],
      ['bytes=0-16383', 'no-store'],
      [null, 'default'],
    ]);
  });

  test('a part that breaks off or does not come is an error that says so', async () => {
    const bytes = writeSafetensors(
      Array.from({ length: 900 }, (_, i) => fromFloat32(`tensor-${i}`, [1], new Float32Array(1))),
    );
    let asked = 0;
    routes.set('/m/config.json', '{}');
    const answers = (second: (res: ServerResponse) => void) => {
      asked = 0;
      routes.set('/m/model.safetensors', (_, res) => {
        if (asked++ > 0) return second(res);
        const range = `bytes 0-16383/${bytes.byteLength}`;
        res.writeHead(206, { 'content-range': range }).end(bytes.subarray(0, 16384));
      });
    };
    const names = async () => (await loadFolder(`${base}/m`)).names();
    answers((res) => res.writeHead(404).end());
    await expect(names()).rejects.toMatchObject({ code: 'TRUNCATED' });
    answers((res) => res.writeHead(200).end(bytes));
    await expect(names()).rejects.toMatchObject({ code: 'TRUNCATED' });
    answers((res) => {
      res.writeHead(206, { 'content-length': 16384 });
      res.write(bytes.subarray(16384, 20000), () => res.destroy());
    });
    await expect(names()).rejects.toMatchObject({ code: 'TRUNCATED' });
  });

  test('a compressed answer is read though its length is another', async () => {
    const text = JSON.stringify({ text: 'long '.repeat(1000) });
    routes.set('/m/config.json', (_, res) => {
      const body = gzipSync(text);
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
    });
    expect((await loadFolder(`${base}/m`)).configText).toBe(text);
  });

  test('a server that answers everything with its start page is told apart from one with the file', async () => {
    const page = (_: IncomingMessage, res: ServerResponse) => {
      res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>');
    };
    routes.set('/m/config.json', page);
    await expect(loadFolder(`${base}/m`)).rejects.toMatchObject({
      code: 'HTML_INSTEAD_OF_JSON',
      file: `${base}/m/config.json`,
    });
    routes.set('/m/config.json', '{}');
    for (const name of ['model.safetensors', 'vocab.txt', 'tokenizer.json'])
      routes.set(`/m/${name}`, page);
    const folder = await loadFolder(`${base}/m`);
    expect(await folder.readText('vocab.txt')).toBeUndefined();
    expect(await folder.readJson('tokenizer.json')).toBeUndefined();
    await expect(valuesOf(folder)).rejects.toMatchObject({ code: 'HTML_INSTEAD_OF_JSON' });
    // The weights are in shards: the page in place of the single file does not matter.
    routes.set('/m/model.safetensors.index.json', '{"weight_map":{"a":"x.safetensors"}}');
    routes.set('/m/x.safetensors', model(2));
    expect(await valuesOf(folder)).toEqual([2, 2]);
  });

  test('a status, an unreachable server and a missing file are three things', async () => {
    routes.set('/m/config.json', (_, res) => res.writeHead(503).end());
    await expect(loadFolder(`${base}/m`)).rejects.toThrow(/config\.json: the server answered 503/);
    routes.set('/m/config.json', (_, res) => res.writeHead(401).end());
    await expect(loadFolder(`${base}/m`)).rejects.toMatchObject({ code: 'HTTP_ERROR' });
    await expect(loadFolder(`${base}/m`)).rejects.toThrow('asks for a login');
    const nothing = await loadFolder(`${base}/other`);
    await expect(valuesOf(nothing)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await close();
    await expect(loadFolder(`${base}/m`)).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
    await expect(loadFolder(`${base}/m`)).rejects.toThrow('ECONNREFUSED');
    await listen(0);
  });

  test('a connection that breaks, or a length that lies, is an error that says so', async () => {
    const bytes = model(1, 100_000);
    routes.set('/m/model.safetensors', (_, res) => {
      res.writeHead(200, { 'content-length': bytes.byteLength });
      res.write(bytes.subarray(0, 1000), () => setTimeout(() => res.destroy(), 20));
    });
    const folder = await loadFolder(`${base}/m`);
    await expect(valuesOf(folder)).rejects.toThrow(
      /model\.safetensors: the connection broke after \d+ bytes/,
    );
    // As many bytes as announced, but fewer than the tensors take.
    routes.set('/m/model.safetensors', bytes.slice(0, 1000));
    await expect(valuesOf(folder)).rejects.toMatchObject({
      code: 'SAFETENSORS_TRUNCATED',
      key: 'a',
    });
    const lying = async () => new Response('{"a":', { headers: { 'content-length': '100' } });
    await expect(loadFolder(`${base}/m`, { fetch: lying })).rejects.toThrow(
      'the server announced 100 bytes and sent 5',
    );
  });

  test('an abort stops a download at once and closes its connection', async () => {
    let closed: Promise<void> | undefined;
    routes.set('/m/model.safetensors', (req, res) => {
      closed = new Promise((done) => req.on('close', done));
      res.write(model(1, 100_000).subarray(0, 1000));
    });
    const abort = new AbortController();
    const folder = await loadFolder(`${base}/m`, {
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await expect(valuesOf(folder)).rejects.toMatchObject({ code: 'ABORTED' });
    await closed;
  });

  test('options that cannot apply are refused', async () => {
    await expect(loadFolder(`${base}/m`, { revision: 'v1' })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
    await expect(loadFolder(`${base}/m`, { localFilesOnly: true })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
  });
});

describe('a hub id', () => {
  const at = (name: string, id = 'org/name', revision = 'main') =>
    `/${id}/resolve/${revision}/${name}`;
  const open = (options = {}, id = 'org/name') =>
    loadFolder(id, { hubUrl: base, cacheDir, ...options });

  test('is downloaded once, kept, and asked for again only by its ETag', async () => {
    routes.set(at('config.json'), '{"v": 1}');
    routes.set(at('model.safetensors'), model(1));
    const seen: Progress[] = [];
    const folder = await open({ onProgress: (p: Progress) => seen.push(p) });
    expect(await valuesOf(folder)).toEqual([1, 1]);
    expect(await valuesOf(folder)).toEqual([1, 1]);
    expect(requests).toEqual([at('config.json'), at('model.safetensors')]);
    const size = model(1).byteLength;
    expect(seen).toContainEqual({
      phase: 'download',
      file: 'model.safetensors',
      loaded: size,
      total: size,
    });
    expect(seen.at(-1)).toMatchObject({ phase: 'read', loaded: 20, total: 20 });

    requests.length = 0;
    expect(await valuesOf(await open())).toEqual([1, 1]);
    expect(requests).toEqual(
      [at('config.json'), at('model.safetensors')].map((path) => `${path} if changed`),
    );
    routes.set(at('model.safetensors'), model(2));
    expect(await valuesOf(await open())).toEqual([2, 2]);
    const files = await readdir(cacheDir, { recursive: true });
    expect(files.filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  test('headers are read without a download', async () => {
    routes.set(at('config.json'), '{}');
    routes.set(at('model.safetensors'), model(1, 1_000_000));
    expect((await (await open()).names()).get('a')).toEqual({ dtype: 'F32', shape: [1_000_000] });
    expect(
      (await readdir(cacheDir, { recursive: true })).filter((name) => name.includes('model.')),
    ).toEqual([]);
  });

  test('a revision is its own, and all files come from the commit of the first', async () => {
    commit = 'c0ffee';
    routes.set(at('config.json', 'bert', 'refs/pr/1'), '{"v": 1}');
    routes.set(at('model.safetensors', 'bert', 'c0ffee'), model(3));
    const folder = await open({ revision: 'refs/pr/1' }, 'bert');
    expect(await valuesOf(folder)).toEqual([3, 3]);
    await expect(open({ localFilesOnly: true }, 'bert')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect((await open({ localFilesOnly: true, revision: 'refs/pr/1' }, 'bert')).config).toEqual({
      v: 1,
    });
  });

  test('without a network the cache has to do, and what was never there is missing', async () => {
    routes.set(at('config.json'), '{"v": 1}');
    routes.set(at('model.safetensors'), model(1));
    await valuesOf(await open());
    await close();
    const folder = await open();
    expect(await valuesOf(folder)).toEqual([1, 1]);
    expect(await folder.readText('vocab.txt')).toBeUndefined();
    await expect(open({}, 'org/other')).rejects.toMatchObject({
      code: 'NETWORK_ERROR',
      message: expect.stringMatching(/^org\/other: no such folder, and http.*cannot be reached/),
    });
    const local = await open({ localFilesOnly: true });
    expect(await valuesOf(local)).toEqual([1, 1]);
    await expect(open({ localFilesOnly: true }, 'org/other')).rejects.toThrow(
      'load it once without localFilesOnly',
    );
    await listen(0);
  });

  test('a network that fails half way does not mix new files with old ones', async () => {
    routes.set(at('config.json'), '{"v": 1}');
    routes.set(at('model.safetensors'), model(1));
    await valuesOf(await open());
    routes.set(at('config.json'), '{"v": 2}');
    const folder = await open();
    expect(folder.config).toEqual({ v: 2 });
    routes.set(at('model.safetensors'), (_, res) => res.writeHead(500).end());
    await expect(valuesOf(folder)).rejects.toMatchObject({ code: 'HTTP_ERROR' });
  });

  test('a broken download leaves nothing in the cache but what was there', async () => {
    routes.set(at('config.json'), '{"v": 1}');
    routes.set(at('model.safetensors'), (_, res) => {
      res.writeHead(200, { 'content-length': 5000 });
      res.write(new Uint8Array(1000), () => setTimeout(() => res.destroy(), 20));
    });
    await expect(valuesOf(await open())).rejects.toMatchObject({ code: 'TRUNCATED' });
    const abort = new AbortController();
    routes.set(at('model.safetensors'), (_, res) => {
      res.write(new Uint8Array(1000));
      setTimeout(() => abort.abort(), 20);
    });
    await expect(valuesOf(await open({ signal: abort.signal }))).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const names = (await readdir(cacheDir, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
    expect(names.sort()).toEqual(['config.json', 'config.json.etag']);
  });

  test('a page for a missing model is an error, and never cached', async () => {
    routes.set(at('config.json'), (_, res) => {
      res.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    });
    await expect(open()).rejects.toMatchObject({ code: 'HTML_INSTEAD_OF_JSON' });
    expect(await readdir(cacheDir)).toEqual([]);
  });

  test('a path that exists wins over a hub id', async () => {
    const here = await open({}, 'src');
    expect(await here.readText('hub.test.ts')).toBe(await readFile('src/hub.test.ts', 'utf8'));
    expect(requests).toEqual([]);
  });
});

describe("the browser's cache", () => {
  /** As much of the Cache API as is used, with a quota. */
  function fakeCaches(quota: number) {
    const kept = new Map<string, { body: ArrayBuffer; headers: Headers }>();
    const cache = {
      match: async (url: string) => {
        const found = kept.get(url);
        return found && new Response(found.body, { headers: found.headers });
      },
      put: async (url: string, response: Response) => {
        const body = await response.arrayBuffer();
        if (body.byteLength > quota) throw new DOMException('full', 'QuotaExceededError');
        kept.set(url, { body, headers: response.headers });
      },
      keys: async () => [...kept.keys()].map((url) => ({ url })),
    };
    return { open: async () => cache };
  }
  afterEach(() => {
    delete (globalThis as { caches?: unknown }).caches;
  });

  const download = (chunks: AsyncIterable<Uint8Array> | Uint8Array[]) => ({
    file: 'https://hub/m/f.bin',
    byteLength: undefined,
    chunks,
    close: async () => {},
  });

  test('keeps whole files with their ETag, and says what it cannot keep', async () => {
    Object.assign(globalThis, { caches: fakeCaches(100) });
    const cache = webCache('https://hub/m/')!;
    expect(await cache.holdsAny()).toBe(false);
    const bytes = new Uint8Array([1, 2, 3]);
    expect(await cache.store('f.bin', download([bytes]), '"v1"', undefined)).toBe(true);
    const found = await cache.find('f.bin');
    expect(found?.etag).toBe('"v1"');
    const pieces: Uint8Array[] = [];
    for await (const piece of (await found!.open())!.chunks) pieces.push(piece);
    expect(Buffer.concat(pieces)).toEqual(Buffer.from(bytes));
    expect(await cache.holdsAny()).toBe(true);
    expect(
      await cache.store('large.bin', download([new Uint8Array(101)]), undefined, undefined),
    ).toBe(false);
    expect(await cache.find('large.bin')).toBeUndefined();
  });

  test('keeps nothing of a broken download, and passes its error on', async () => {
    Object.assign(globalThis, { caches: fakeCaches(100) });
    const cache = webCache('https://hub/m/')!;
    async function* broken() {
      yield new Uint8Array(3);
      throw new Error('cut off');
    }
    await expect(cache.store('f.bin', download(broken()), undefined, undefined)).rejects.toThrow(
      'cut off',
    );
    expect(await cache.find('f.bin')).toBeUndefined();
  });

  test('is done without where there is none', () => {
    expect(webCache('https://hub/m/')).toBeUndefined();
  });
});
