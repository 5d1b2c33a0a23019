// The page of `gpt.mjs --chromium`.
import { compareDecoders } from './decoders.mjs';
import * as ort from './peers/onnxruntime.mjs';

ort.env.wasm.wasmPaths = '/peers/onnxruntime-web/dist/';

globalThis.run = (options) =>
  compareDecoders({
    ...options,
    models: '/models',
    read: async (path) => new Uint8Array(await (await fetch(`/models/${path}`)).arrayBuffer()),
    ort,
    say: (text) => console.log(text),
  });
