// Keeps the whole site, models included, so that it works with no network after the first visit.
// The list of files and the hash of each is written in by the build.
const scope = self as unknown as ServiceWorkerGlobalScope;
const files: Record<string, string> = __FILES__;
const cacheName = `multihead ${scope.registration.scope}`;

/** Where a version of a file is kept: another version is another entry. */
function keyOf(file: string): string {
  return new URL(`${file}?${files[file]}`, scope.registration.scope).href;
}

async function install(): Promise<void> {
  const cache = await caches.open(cacheName);
  for (const file of Object.keys(files)) {
    const key = keyOf(file);
    if (await cache.match(key)) continue;
    // Asks the server whether what the browser holds is still right; mostly nothing is sent again.
    const url = new URL(file, scope.registration.scope);
    const response = await fetch(url, { cache: 'no-cache' });
    if (!response.ok) throw new Error(`${url.href}: ${response.status}`);
    await cache.put(key, response);
  }
}

/** Takes over open pages, and drops the versions no longer listed. */
async function activate(): Promise<void> {
  await scope.clients.claim();
  const cache = await caches.open(cacheName);
  const listed = new Set(Object.keys(files).map(keyOf));
  const stored = await cache.keys();
  await Promise.all(stored.filter(({ url }) => !listed.has(url)).map((key) => cache.delete(key)));
}

async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const path = url.origin + url.pathname;
  const file = path.slice(scope.registration.scope.length) || 'index.html';
  const kept = async () =>
    Object.hasOwn(files, file) ? (await caches.open(cacheName)).match(keyOf(file)) : undefined;
  // The page itself comes fresh while there is a network, so that a new version is seen at once.
  if (request.mode === 'navigate') {
    return fetch(request).catch(async (error) => (await kept()) ?? Promise.reject(error));
  }
  return (await kept()) ?? fetch(request);
}

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'GET' && url.startsWith(scope.registration.scope)) {
    event.respondWith(answer(event.request));
  }
});
