// Runs the ablations, each configuration with each seed, and makes docs/ablations.md of page.md and what came
// out. What has a result is not run again; what was stopped goes on from its last checkpoint.
//   node scripts/pnpm.mjs --filter @multihead/ablations run ablations [--seeds 1,2] [--report]
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useWasm } from '@multihead/wasm';
import { contextPlot } from './chart.mjs';
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
const seeds = options.seeds.split(',').map(Number);
const results = new Results('results');

if (!options.report) {
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  const { variant } = await useWasm({ threads: 1 });
  console.log(`Node ${process.versions.node}, kernels: ${variant}`);
  const text = await readCharacters(recipe.source);
  await runAll({
    ...{ recipe, seeds, text, results, work: '.cache' },
    signal: interruption.signal,
    onProgress: ({ run, step, steps, loss }) => {
      if (step % 100 === 0) console.log(`${run}  step ${step}/${steps}  loss ${loss.toFixed(3)}`);
    },
  });
}

const { configurations, group } = recipe;
const { byConfiguration, ofGroup } = await readAll({ recipe, seeds, results });
const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const parts = {
  ablations: ablationTable(configurations, byConfiguration),
  'what memory gives': memoryTable(configurations, byConfiguration),
  'context lengths': contextTable(group, ofGroup),
};
await writeFile(`${docs}/ablations.md`, filled(await readFile('page.md', 'utf8'), parts));
const { ratio } = recipe.plot;
const points = contextCurves(group, ofGroup, ratio);
await writeFile(`${docs}/images/context-length.svg`, await contextPlot(points, ratio));
console.log(`${docs}/ablations.md is written.`);
