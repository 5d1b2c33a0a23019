// Runs the ablations, each configuration with each seed, and makes docs/ablations.md of page.md and what came
// out. What has a result is not run again; what was stopped goes on from its last checkpoint.
//   node scripts/pnpm.mjs --filter @multihead/ablations run ablations [--seeds 1,2] [--report]
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useWasm } from '@multihead/wasm';
import { contextPlot } from './chart.mjs';
import { runLookBack } from './look-back.mjs';
import * as recipe from './recipe.mjs';
import { ablationTable, contextCurves, contextTable, filled, memoryTable } from './report.mjs';
import { Results } from './results.mjs';
import { readAll, runAll } from './runs.mjs';
import { readCharacters } from './text.mjs';

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: recipe.seeds.join() },
    report: { type: 'boolean', default: false }, // of the results there are, without running anything
  },
});
process.chdir(fileURLToPath(new URL('.', import.meta.url)));
const root = fileURLToPath(new URL('../..', import.meta.url));
const seeds = options.seeds.split(',').map(Number);
const results = new Results('results');

if (!options.report) {
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  const { variant } = await useWasm({ threads: 1 });
  console.log(`Node ${process.versions.node}, kernels: ${variant}`);
  const text = await readCharacters(recipe.source);
  const { signal } = interruption;
  await runAll({
    ...{ recipe, seeds, text, results, signal, work: '.cache' },
    onProgress: ({ run, step, steps, loss }) => {
      if (step % 100 === 0) console.log(`${run}  step ${step}/${steps}  loss ${loss.toFixed(3)}`);
    },
  });
  await runLookBack({
    ...{ recipe, results, signal, folder: `${root}/models/${recipe.lookBack.model}` },
    onProgress: ({ memory, document, documents }) =>
      console.log(`looking back with a memory of ${memory}: document ${document}/${documents}`),
  });
}

const { configurations, lookBack, plot } = recipe;
const byConfiguration = await readAll({ recipe, seeds, results });
const lookedBack = await results.expect('look-back', lookBack);
const parts = {
  ablations: ablationTable(configurations, byConfiguration),
  'what memory gives': memoryTable(configurations, byConfiguration),
  'context lengths': contextTable(lookBack, lookedBack),
  tokens: lookedBack.tokens.toLocaleString('en'),
};
await writeFile(`${root}/docs/ablations.md`, filled(await readFile('page.md', 'utf8'), parts));
const points = contextCurves(lookBack, lookedBack, plot.ratio);
await writeFile(`${root}/docs/images/context-length.svg`, await contextPlot(points, plot.ratio));
console.log('docs/ablations.md is written.');
