// BERT encoders on WASM, one thread unless told otherwise, beside their peers; in Node or in Chromium.
//   node scripts/pnpm.mjs --filter @multihead/bench run bert [--chromium] [--dtype q8] [--threads 2] …
// What it needs besides, it says.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { inChromium } from './chromium.mjs';
import { compareEncoders } from './encoders.mjs';
import { inPython, modelsFolder, needPeersAndModels } from './peers.mjs';

const { values: options } = parseArgs({
  options: {
    chromium: { type: 'boolean', default: false },
    model: { type: 'string', multiple: true, default: ['minilm', 'bert-base'] },
    dtype: { type: 'string', multiple: true, default: ['float32', 'q8'] },
    shape: { type: 'string', multiple: true, default: ['1x128', '8x128'] },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '7' },
    profile: { type: 'boolean', default: false },
    peer: {
      type: 'string',
      multiple: true,
      default: ['stock', 'ort', 'transformers', 'jax', 'torch'],
    },
  },
});
needPeersAndModels();
const threads = Number(options.threads);
const rounds = { rounds: Number(options.rounds), warmUp: 2 };
const shapes = options.shape.map((shape) => shape.split('x').map(Number));

for (const model of options.model)
  for (const dtype of options.dtype) {
    const { profile, peer: peers } = options;
    const run = { model, shapes, dtype, threads, rounds, profile, peers };
    if (options.chromium) await inChromium('encoders-page.mjs', run);
    else await inNode(run);
  }

/** transformers.js takes the native onnxruntime in Node: no peer of WASM there. */
async function inNode({ peers, ...run }) {
  await compareEncoders({
    ...run,
    models: modelsFolder,
    read: (path) => readFile(`${modelsFolder}/${path}`),
    peers: {
      stock: peers.includes('stock'),
      ort: peers.includes('ort') && (await import('./peers/onnxruntime.mjs')),
      jax: peers.includes('jax') && (() => import('./peers/jax.mjs')),
      torch: peers.includes('torch') && process.env.MULTIHEAD_PYTHON && inPython,
    },
    say: console.log,
  });
}
