// One run: a model of one configuration and seed, from fresh weights to figures on held-out text.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Random, Weights } from '@multihead/nn';
import {
  adamW,
  evaluateStreams,
  linearSchedule,
  ParallelStreams,
  trainStreams,
} from '@multihead/training';
import { TransfoXLConfig, TransfoXLLMHeadModel } from '@multihead/transformer-xl';

/** The model in `folder`, trained first, from the newest checkpoint on, where it is not finished. */
export async function trainedModel({ recipe, flags, seed, text, folder, signal, onProgress }) {
  const finished = `${folder}/model`;
  if (existsSync(`${finished}/model.safetensors`)) {
    return TransfoXLLMHeadModel.fromPretrained(finished);
  }
  const { segmentLength, batchSize, steps, ...training } = recipe.training;
  const sizes = { vocabSize: text.vocabSize, tgtLen: segmentLength, eosTokenId: null };
  const config = new TransfoXLConfig({ ...sizes, ...recipe.architecture, ...flags });
  const model = new TransfoXLLMHeadModel(config, new Weights({ seed }));
  try {
    await trainStreams({
      model,
      streams: new ParallelStreams(fromElsewhere(text.train, seed), { batchSize, segmentLength }),
      optimizer: adamW({ weightDecay: training.weightDecay, betas: [0.9, training.beta2] }),
      schedule: linearSchedule({
        learningRate: training.learningRate,
        warmupSteps: training.warmup,
        totalSteps: steps,
      }),
      ...{ steps, seed, signal, onProgress },
      checkpoints: { folder: `${folder}/checkpoints`, every: training.checkpointEvery, keep: 1 },
      resume: true,
    });
    await model.save(finished);
    await rm(`${folder}/checkpoints`, { recursive: true });
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** How well a model foretells the held-out text, in nats, at each attention length, its own first. */
export async function evaluateLengths({ model, recipe, text, signal }) {
  const { batchSize, withMemory, withoutMemory } = recipe.evaluation;
  const { segmentLength } = recipe.training;
  const { memLen } = model.config;
  const own = { segmentLength, memLen, extLen: 0 };
  const others =
    memLen > 0
      ? withMemory.map((length) => ({ ...own, memLen: length - segmentLength }))
      : withoutMemory.attentionLengths.map((length) => ({
          ...{ segmentLength: withoutMemory.segmentLength, memLen },
          extLen: length - withoutMemory.segmentLength,
        }));
  const evaluations = [];
  for (const lengths of [own, ...others]) {
    const options = { model, ids: text.heldOut, batchSize, ...lengths, signal };
    const { loss } = await evaluateStreams(options);
    const attentionLength = lengths.segmentLength + lengths.memLen + lengths.extLen;
    evaluations.push({ attentionLength, ...lengths, loss });
  }
  return evaluations;
}

export const countWeights = (model) =>
  Array.from(model.parameters.values(), ({ shape }) => shape.reduce((a, b) => a * b, 1)).reduce(
    (a, b) => a + b,
    0,
  );

/** The text from a place that the seed draws, and what stands before that after it. */
function fromElsewhere(ids, seed) {
  const start = new Random(seed, 'text').below(ids.length);
  const turned = new Int32Array(ids.length);
  turned.set(ids.subarray(start));
  turned.set(ids.subarray(0, start), ids.length - start);
  return turned;
}
