import { GPT2LMHeadModel } from '@multihead/gpt';
import { GPT2Tokenizer } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import { failureOf } from '../failure.js';
import { countParameters } from '../model-facts.js';
import type { Beginning, EndReason, Reply, Request, WriterFacts } from './protocol.js';
import { Spelling } from './spelling.js';
import { look, write } from './write.js';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const reply = (message: Reply, transfer: Transferable[] = []) =>
  scope.postMessage(message, transfer);

let loaded: { model: GPT2LMHeadModel; tokenizer: GPT2Tokenizer } | undefined;
/** Ends what is being written. */
let running = new AbortController();
/** Resolves when it has ended. */
let ended = Promise.resolve();

async function load(url: string): Promise<WriterFacts> {
  const started = performance.now();
  const { variant } = await useWasm();
  const model = await GPT2LMHeadModel.fromPretrained(url, {
    onProgress: ({ loaded, total }) => reply({ type: 'progress', loaded, total }),
  });
  const tokenizer = await GPT2Tokenizer.fromPretrained(new URL('tokenizer.json', url));
  loaded = { model, tokenizer };
  const { nLayer, nHead, vocabSize } = model.config;
  return {
    variant,
    layers: nLayer,
    heads: nHead,
    parameters: countParameters(model),
    vocabSize,
    contextLength: model.contextLength,
    milliseconds: performance.now() - started,
  };
}

/** The ids to go on from; a text that is empty is the token with which texts begin. */
function idsOf(beginning: Beginning): number[] {
  if ('ids' in beginning) return beginning.ids;
  const { model, tokenizer } = loaded!;
  const ids = Array.from(tokenizer.encodeIds(beginning.text));
  const { bos } = model.specialTokens;
  return ids.length === 0 && bos !== undefined ? [bos] : ids;
}

async function run(request: Request & { type: 'write' }, signal: AbortSignal): Promise<void> {
  const { model, tokenizer } = loaded!;
  const { run, settings } = request;
  const { pace, seed = Math.floor(Math.random() * 2 ** 32) } = settings;
  const ids = idsOf(request.beginning);
  const spelling = new Spelling(tokenizer);
  reply({ type: 'began', run, tokens: ids.map((id) => spelling.next(id)), seed });

  const all = [...ids];
  let from = 0;
  let reason: EndReason = 'stopped';
  try {
    let due = performance.now();
    for await (const step of write(model, spelling, ids, { ...settings, seed }, signal)) {
      reply({ type: 'wrote', run, step });
      all.push(step.token.id);
      from = step.from;
      if (step.reason) reason = step.reason;
      due = Math.max(due + (pace ? 1000 / pace : 0), performance.now());
      if (pace && !step.reason) await rest(due - performance.now(), signal);
    }
  } catch (error) {
    if (failureOf(error).code !== 'ABORTED') throw error;
  }
  const view = await look(model, all, from);
  reply({ type: 'ended', run, reason, view }, [view.attention.weights.buffer]);
}

/** Waits, at most until the signal. */
function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

async function answer(request: Request): Promise<void> {
  switch (request.type) {
    case 'load':
      return reply({ type: 'ready', model: await load(request.url) });
    case 'count': {
      const count = loaded!.tokenizer.encodeIds(request.text).length;
      return reply({ type: 'counted', text: request.text, count });
    }
    case 'stop':
      return running.abort();
    case 'write': {
      running.abort();
      running = new AbortController();
      const { signal } = running;
      const before = ended;
      const writing = before.then(() => run(request, signal));
      ended = writing.catch(() => {});
      return writing;
    }
  }
}

scope.addEventListener('message', ({ data: request }: MessageEvent<Request>) => {
  answer(request).catch((error: unknown) => {
    const run = request.type === 'write' ? { run: request.run } : {};
    reply({ type: 'failed', during: request.type, ...run, ...failureOf(error) });
  });
});
