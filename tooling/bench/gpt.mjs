// A GPT-2 that reads a prompt and then writes, token by token, one thread unless told otherwise, beside
// onnxruntime-web; in Node or in Chromium.
//   node scripts/pnpm.mjs --filter @multihead/bench run gpt [--chromium] [--dtype q8] [--profile] …
// What it needs besides, it says.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { inChromium } from './chromium.mjs';
import { compareDecoders } from './decoders.mjs';
import { modelsFolder, needPeersAndModels } from './peers.mjs';

const { values: options } = parseArgs({
  options: {
    chromium: { type: 'boolean', default: false },
    model: { type: 'string', default: 'gpt2' },
    dtype: { type: 'string', multiple: true, default: ['float32', 'q8'] },
    prompt: { type: 'string', default: '64' },
    tokens: { type: 'string', default: '16' },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '7' },
    profile: { type: 'boolean', default: false },
  },
});
needPeersAndModels();
const [prompt, tokens, threads, rounds] = ['prompt', 'tokens', 'threads', 'rounds'].map((name) =>
  Number(options[name]),
);
const { model, profile } = options;

for (const dtype of options.dtype) {
  const run = { model, dtype, prompt, tokens, threads, profile, rounds: { rounds, warmUp: 1 } };
  if (options.chromium) await inChromium('decoders-page.mjs', run);
  else await inNode(run);
}
process.exit(0); // onnxruntime-web holds on to Node

async function inNode(run) {
  await compareDecoders({
    ...run,
    models: modelsFolder,
    read: (path) => readFile(`${modelsFolder}/${path}`),
    ort: await import('./peers/onnxruntime.mjs'),
    say: console.log,
  });
}
