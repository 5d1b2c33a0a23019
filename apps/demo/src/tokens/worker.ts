import { loadTokenizer, type Tokenizer, TokenizerError } from '@multihead/tokenizers';
import { failureOf } from '../failure.js';
import { cutAll } from './cut.js';
import type { Facts, Reply, Request } from './protocol.js';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const reply = (message: Reply) => scope.postMessage(message);

/** By id, in the order in which they are shown. */
const tokenizers = new Map<string, Tokenizer>();

async function load({ tokenizers: all }: Request & { type: 'load' }): Promise<Facts[]> {
  const loaded = await Promise.all(
    all.map(({ url, files }) =>
      // Only what is known to be there is asked for: a 404 would stand in the browser's console.
      loadTokenizer(async (name) => (files.includes(name) ? fetchFile(url + name) : undefined)),
    ),
  );
  return loaded.map((tokenizer, i) => {
    const { id } = all[i]!;
    tokenizers.set(id, tokenizer);
    return factsOf(id, tokenizer);
  });
}

async function fetchFile(url: string): Promise<Uint8Array> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new TokenizerError('NOT_FOUND', `${url}: cannot be fetched`, { cause });
  });
  if (!response.ok) throw new TokenizerError('NOT_FOUND', `${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function factsOf(id: string, tokenizer: Tokenizer): Facts {
  const { type } = tokenizer.parts.model.json as { type?: unknown };
  return { id, method: String(type), vocabSize: tokenizer.vocabSize };
}

async function answer(request: Request): Promise<void> {
  switch (request.type) {
    case 'load':
      return reply({ type: 'ready', facts: await load(request) });
    case 'open': {
      const { id, files } = request;
      const tokenizer = await loadTokenizer(files);
      tokenizers.set(id, tokenizer);
      return reply({ type: 'opened', facts: factsOf(id, tokenizer) });
    }
    case 'close':
      tokenizers.delete(request.id);
      return;
    case 'cut':
      return reply({ type: 'cut', result: cutAll(tokenizers, request.text) });
  }
}

scope.addEventListener('message', ({ data: request }: MessageEvent<Request>) => {
  answer(request).catch((error: unknown) => {
    const id = 'id' in request ? { id: request.id } : {};
    reply({ type: 'failed', during: request.type, ...id, ...failureOf(error) });
  });
});
