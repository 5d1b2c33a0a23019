// All runs that are still to do, the first seed of every configuration first.
import { countWeights, evaluateLengths, trainedModel } from './run.mjs';

/** Trains and evaluates what has no result yet. */
export async function runAll({ recipe, seeds, text, results, work, signal, onProgress }) {
  const given = { recipe, text, signal };
  for (const seed of seeds) {
    for (const [name, { flags }] of Object.entries(recipe.configurations)) {
      const run = `${name}-${seed}`;
      const settings = settingsOf(recipe, flags);
      if (await results.read(run, settings)) continue;
      const model = await trainedModel({
        ...{ ...given, flags, seed, folder: `${work}/${run}` },
        onProgress: (progress) => onProgress?.({ run, ...progress }),
      });
      try {
        const evaluations = await evaluateLengths({ ...given, model });
        await results.write(run, settings, {
          flags,
          seed,
          weights: countWeights(model),
          evaluations,
        });
      } finally {
        model.dispose();
      }
    }
  }
}

/** By configuration the results of all seeds, each of which has to be there. */
export async function readAll({ recipe, seeds, results }) {
  const byConfiguration = {};
  for (const [name, { flags }] of Object.entries(recipe.configurations)) {
    const settings = settingsOf(recipe, flags);
    const ofSeeds = seeds.map((seed) => results.expect(`${name}-${seed}`, settings));
    byConfiguration[name] = await Promise.all(ofSeeds);
  }
  return byConfiguration;
}

/** What decides the result of a run, beside its seed. */
export const settingsOf = ({ source, architecture, training, evaluation }, flags) => ({
  ...{ source, architecture, training, evaluation, flags },
});
