// All runs that are still to do, the first seed of every configuration first.
import { contextLosses, relativeContextLengths } from '@multihead/training';
import { countWeights, evaluateLengths, trainedModel } from './run.mjs';

/** Trains and evaluates what has no result yet, and measures how far the models of the group look back. */
export async function runAll({ recipe, seeds, text, results, work, signal, onProgress }) {
  const given = { recipe, text, signal };
  const modelOf = (name, flags, seed) => {
    const run = `${name}-${seed}`;
    const told = (progress) => onProgress?.({ run, ...progress });
    return trainedModel({ ...given, flags, seed, folder: `${work}/${run}`, onProgress: told });
  };
  for (const seed of seeds) {
    for (const [name, { flags }] of Object.entries(recipe.configurations)) {
      const run = `${name}-${seed}`;
      const settings = settingsOf(recipe, flags);
      if (await results.read(run, settings)) continue;
      const model = await modelOf(name, flags, seed);
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
  for (const seed of seeds) {
    const run = `context-${seed}`;
    const settings = groupSettingsOf(recipe);
    if (await results.read(run, settings)) continue;
    const losses = {};
    for (const [name, flags] of Object.entries(recipe.group.configurations)) {
      const model = await modelOf(name, { attnType: 0, ...flags }, seed);
      try {
        losses[name] = await lossesByContext({ ...given, model });
      } finally {
        model.dispose();
      }
    }
    await results.write(run, settings, { seed, ...lookingBack(losses, recipe.group) });
  }
}

/** The results of all seeds, each of which has to be there. */
export async function readAll({ recipe, seeds, results }) {
  const ofSeeds = (name, settings) =>
    Promise.all(
      seeds.map(async (seed) => {
        const result = await results.read(`${name}-${seed}`, settings);
        if (result) return result;
        throw new Error(`${name} was not run with seed ${seed} yet: run it without --report.`);
      }),
    );
  const entries = Object.entries(recipe.configurations).map(async ([name, { flags }]) => {
    return [name, await ofSeeds(name, settingsOf(recipe, flags))];
  });
  return {
    byConfiguration: Object.fromEntries(await Promise.all(entries)),
    ofGroup: await ofSeeds('context', groupSettingsOf(recipe)),
  };
}

/** What decides the result of a run, beside its seed. */
export const settingsOf = ({ source, architecture, training, evaluation }, flags) => ({
  ...{ source, architecture, training, evaluation, flags },
});

/** … and of a group's. */
const groupSettingsOf = ({ source, architecture, training, group }) => ({
  ...{ source, architecture, training, group },
});

/** A model takes the context in as it did in training: in segments, with its memory. */
function lossesByContext({ model, recipe, text, signal }) {
  const { contextLengths, stride } = recipe.group;
  const { segmentLength } = recipe.training;
  const options = { model, ids: text.heldOut, contextLengths, segmentLength, stride, signal };
  return contextLosses({ ...options, batchSize: 128 });
}

/** RECL and gains by ratio and model, and what each context costs on the whole. */
function lookingBack(losses, { ratios }) {
  const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const byModel = (figureOf) =>
    Object.fromEntries(Object.entries(losses).map(([name, own]) => [name, figureOf(own)]));
  return {
    losses: byModel((own) => own.map((one) => mean(one.losses))),
    ratios: ratios.map((ratio) => ({ ratio, models: relativeContextLengths(losses, { ratio }) })),
  };
}
