import { BertForMaskedLM } from '@multihead/bert';
import { BertTokenizer } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import { failureOf } from '../failure.js';
import { countParameters, type ModelFacts } from '../model-facts.js';
import { analyze } from './analyze.js';
import type { Reply, Request } from './protocol.js';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const reply = (message: Reply, transfer: Transferable[] = []) =>
  scope.postMessage(message, transfer);

let loaded: { model: BertForMaskedLM; tokenizer: BertTokenizer } | undefined;

async function load(url: string): Promise<ModelFacts> {
  const started = performance.now();
  const { variant } = await useWasm();
  const model = await BertForMaskedLM.fromPretrained(url, {
    onProgress: ({ loaded, total }) => reply({ type: 'progress', loaded, total }),
  });
  const tokenizer = await BertTokenizer.fromPretrained(new URL('tokenizer.json', url));
  loaded = { model, tokenizer };
  const { numHiddenLayers, numAttentionHeads, vocabSize } = model.config;
  return {
    variant,
    layers: numHiddenLayers,
    heads: numAttentionHeads,
    parameters: countParameters(model),
    vocabSize,
    milliseconds: performance.now() - started,
  };
}

async function answer(request: Request): Promise<void> {
  if (request.type === 'load') {
    reply({ type: 'ready', model: await load(request.url) });
  } else if (loaded) {
    const analysis = await analyze(loaded.model, loaded.tokenizer, request.text);
    reply({ type: 'analyzed', analysis }, [analysis.attention.weights.buffer]);
  }
}

scope.addEventListener('message', ({ data: request }: MessageEvent<Request>) => {
  answer(request).catch((error: unknown) => {
    reply({ type: 'failed', during: request.type, ...failureOf(error) });
  });
});
