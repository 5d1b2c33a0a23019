// Runs in a page (backends.test.ts): the families on the backends that have no kernels of ours.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { BertForMaskedLM, BertModel } from '@multihead/bert';
import { generate } from '@multihead/generation';
import { GPT2LMHeadModel, OpenAIGPTLMHeadModel } from '@multihead/gpt';
import { distance, expectParity, type ParityOptions, type VariantModel } from '@multihead/testing';
import { adamW, constantSchedule, train } from '@multihead/training';
import { TransfoXLLMHeadModel, TransfoXLModel } from '@multihead/transformer-xl';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';

const at = (path: string) => new URL(path, location.href).href;

// The reference gives the embeddings a second time, as the first hidden state.
const bert = { leaveOut: ['embeddings'] };
const references: Record<string, ParityOptions<VariantModel>> = {
  'bert/fixtures/model': { ...bert, load: (folder) => BertModel.fromPretrained(folder) },
  'bert/fixtures/masked-lm': { ...bert, load: (folder) => BertForMaskedLM.fromPretrained(folder) },
  'gpt/fixtures/lm': { load: (folder) => GPT2LMHeadModel.fromPretrained(folder) },
  'gpt/fixtures/openai-lm': { load: (folder) => OpenAIGPTLMHeadModel.fromPretrained(folder) },
  'transformer-xl/fixtures/model': { load: (folder) => TransfoXLModel.fromPretrained(folder) },
  'transformer-xl/fixtures/div-2': {
    load: (folder) => TransfoXLLMHeadModel.fromPretrained(folder),
  },
  'transformer-xl/fixtures/no-cutoffs-untied': {
    load: (folder) => TransfoXLLMHeadModel.fromPretrained(folder),
  },
};

/** What a backend gives, and what the cpu backend gives, which other tests hold to the references. */
async function beside<T>(run: () => Promise<T>): Promise<{ here: T; cpu: T }> {
  const backend = tf.getBackend();
  const before = tf.memory().numTensors;
  const here = await run();
  expect(tf.memory().numTensors).toBe(before);
  await tf.setBackend('cpu');
  const cpu = await run();
  await tf.setBackend(backend);
  return { here, cpu };
}

describe.each(['webgl', 'webgpu'])('%s', (backend) => {
  beforeAll(async () => {
    expect(await tf.setBackend(backend)).toBe(true);
    expect(tf.getBackend()).toBe(backend);
  });

  for (const [folder, options] of Object.entries(references))
    test(`outputs and gradients equal the reference: ${folder}`, async () => {
      const before = tf.memory().numTensors;
      await expectParity(at(`packages/${folder}`), options);
      expect(tf.memory().numTensors).toBe(before);
    });

  test('int8 weights', async () => {
    const { here, cpu } = await beside(async () => {
      const folder = at('models/bert-mini-english');
      const model = await BertModel.fromPretrained(folder, { dtype: 'q8', addPoolingLayer: false });
      const outputs = model.forward({ inputIds: [[2, 100, 200, 300, 3]] });
      const values = await outputs.lastHiddenState.data();
      outputs.dispose();
      model.dispose();
      return values;
    });
    expect(distance(here, cpu).relative).toBeLessThan(1e-2);
  });

  test('texts are written with the cache', async () => {
    const { here, cpu } = await beside(async () => {
      const model = await GPT2LMHeadModel.fromPretrained(at('models/gpt-mini-english'));
      const inputs = { inputIds: [[300, 400, 500]] };
      const greedy = await generate(model, inputs, { maxNewTokens: 8 });
      const beams = await generate(model, inputs, { maxNewTokens: 8, numBeams: 3 });
      model.dispose();
      return [greedy.generated, beams.generated];
    });
    expect(here).toEqual(cpu);
  });

  test('training steps', async () => {
    const { here, cpu } = await beside(async () => {
      const model = await GPT2LMHeadModel.fromPretrained(at('packages/gpt/fixtures/lm'));
      const text = [5, 1, 4, 2, 3, 7, 6, 8];
      const losses: number[] = [];
      await train({
        model,
        dataset: [text, text.toReversed()],
        collate: (rows) => ({ inputIds: [...rows], labels: [...rows] }),
        causal: true,
        optimizer: adamW(),
        schedule: constantSchedule({ learningRate: 1e-2 }),
        steps: 5,
        batchSize: 2,
        onProgress: ({ loss }) => losses.push(loss),
      });
      model.dispose();
      return losses;
    });
    expect(here.at(-1)).toBeLessThan(here[0]!);
    expect(distance(here, cpu).relative).toBeLessThan(1e-4);
  });
});
