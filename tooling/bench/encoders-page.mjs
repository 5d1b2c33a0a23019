// The page of `bert.mjs --chromium`.
import { compareEncoders } from './encoders.mjs';
import * as ort from './peers/onnxruntime.mjs';
import { AutoModel, env, Tensor } from './peers/transformers.mjs';

ort.env.wasm.wasmPaths = '/peers/onnxruntime-web/dist/';
env.backends.onnx.wasm.wasmPaths =
  '/peers/@huggingface/transformers/node_modules/onnxruntime-web/dist/';

globalThis.run = ({ peers, ...options }) =>
  compareEncoders({
    ...options,
    models: '/models',
    read: async (path) => new Uint8Array(await (await fetch(`/models/${path}`)).arrayBuffer()),
    peers: {
      stock: peers.includes('stock'),
      ort: peers.includes('ort') && ort,
      jax: peers.includes('jax') && (() => import('./peers/jax.mjs')),
      transformers: peers.includes('transformers') && { AutoModel, env, Tensor },
    },
    say: (text) => console.log(text),
  });
