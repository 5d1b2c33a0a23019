import { TransfoXLTokenizer } from '@multihead/tokenizers';
import { TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import { failureOf } from '../failure.js';
import { countParameters } from '../model-facts.js';
import { cut } from './cut.js';
import { look, measure } from './measure.js';
import { MEMORIES, type MemoryFacts, MOST_TOKENS, type Reply, type Request } from './protocol.js';
import { race } from './race.js';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const reply = (message: Reply, transfer: Transferable[] = []) =>
  scope.postMessage(message, transfer);

let model: TransfoXLLMHeadModel;
let tokenizer: TransfoXLTokenizer;
/** The text that is read: its number, and what stands for its beginning with its tokens. */
let now = { number: 0, ids: [] as readonly number[] };
/** End what is being read, and the race. */
let reading = new AbortController();
let racing = new AbortController();

async function load(url: string): Promise<MemoryFacts> {
  const started = performance.now();
  const { variant } = await useWasm();
  model = await TransfoXLLMHeadModel.fromPretrained(url, {
    onProgress: ({ loaded, total }) => reply({ type: 'progress', loaded, total }),
  });
  tokenizer = await TransfoXLTokenizer.fromPretrained(new URL('tokenizer.json', url));
  const { nLayer, nHead, vocabSize, memLen } = model.config;
  return {
    variant,
    layers: nLayer,
    heads: nHead,
    parameters: countParameters(model),
    vocabSize,
    trainedMemory: memLen,
    milliseconds: performance.now() - started,
  };
}

/** Cuts the text, and measures it with every length of memory, the ones that are shown first. */
async function read(request: Request & { type: 'read' }, signal: AbortSignal): Promise<void> {
  const { bos, eos } = model.specialTokens;
  const start = bos ?? eos[0]!;
  const text = cut(request.text, { tokenizer, start, most: MOST_TOKENS });
  const ids = [start, ...text.tokens.map(({ id }) => id)];
  now = { number: request.reading, ids };
  reply({ type: 'cut', reading: request.reading, text });
  if (text.tokens.length === 0) return;
  for (const memory of new Set([0, request.memory, ...MEMORIES])) {
    const started = performance.now();
    const bits = await measure(model, ids, memory, signal);
    const milliseconds = performance.now() - started;
    reply({ type: 'measured', reading: request.reading, memory, bits, milliseconds }, [
      bits.buffer,
    ]);
  }
}

async function answer(request: Request): Promise<void> {
  switch (request.type) {
    case 'load':
      return reply({ type: 'ready', model: await load(request.url) });
    case 'read':
      reading.abort();
      racing.abort();
      reading = new AbortController();
      return read(request, reading.signal);
    case 'look': {
      if (request.reading !== now.number) return;
      const view = look(model, now.ids, request);
      return reply({ type: 'looked', reading: request.reading, view }, [view.weights.buffer]);
    }
    case 'race':
      if (request.reading !== now.number) return;
      racing.abort();
      racing = new AbortController();
      for await (const standing of race(model, now.ids, request.attention, racing.signal)) {
        reply({ type: 'raced', reading: request.reading, race: standing });
      }
      return;
    case 'stop':
      return racing.abort();
  }
}

scope.addEventListener('message', ({ data: request }: MessageEvent<Request>) => {
  answer(request).catch((error: unknown) => {
    // Another text took its place.
    if (error instanceof DOMException && error.name === 'AbortError') return;
    const of = 'reading' in request ? { reading: request.reading } : {};
    reply({ type: 'failed', during: request.type, ...of, ...failureOf(error) });
  });
});
