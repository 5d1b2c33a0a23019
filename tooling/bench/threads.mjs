// How much several threads help, in Node or in an isolated page of Chromium.
//   node scripts/pnpm.mjs --filter @multihead/bench run threads [--chromium] [--threads 2] [--dtype q8] …
import { parseArgs } from 'node:util';
import { inChromium } from './chromium.mjs';
import { modelsFolder, needPeersAndModels } from './peers.mjs';
import { compareThreads } from './scaling.mjs';

const { values: options } = parseArgs({
  options: {
    chromium: { type: 'boolean', default: false },
    model: { type: 'string', multiple: true, default: ['minilm', 'bert-base'] },
    dtype: { type: 'string', multiple: true, default: ['float32', 'q8'] },
    shape: { type: 'string', multiple: true, default: ['1x128', '8x128'] },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '7' },
  },
});
needPeersAndModels();
for (const model of options.model)
  for (const dtype of options.dtype) {
    const shapes = options.shape.map((shape) => shape.split('x').map(Number));
    const rounds = { rounds: Number(options.rounds), warmUp: 1 };
    const run = { model, dtype, shapes, rounds, threads: Number(options.threads) };
    if (options.chromium) await inChromium('scaling-page.mjs', run);
    else await compareThreads({ ...run, models: modelsFolder, say: console.log });
  }
