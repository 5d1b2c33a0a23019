import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { BertForMaskedLM, BertForSequenceClassification } from '@multihead/bert';
import { GPT2ForSequenceClassification, GPT2LMHeadModel } from '@multihead/gpt';
import type { TrainableModel } from '@multihead/nn';
import {
  fixturePath,
  floats,
  numTensors,
  onEachBackend,
  readFixture,
  rowsOf,
} from '../test/support.js';
import { adamW } from './adamw.js';
import { cosineSchedule, linearSchedule } from './schedules.js';
import { type TrainingProgress, train } from './train.js';
import type { SavableModel } from './training-checkpoint.js';

type Trained = SavableModel & TrainableModel<Batch>;

const ids = { inputIds: 'input_ids' };
const idsAndTypes = { ...ids, tokenTypeIds: 'token_type_ids' };
const all = ['linear', 'cosine', 'linear-accumulated'] as const;
const linear = ['linear', 'linear-accumulated'] as const;
const runs = {
  linear: { schedule: linearSchedule, passes: 1 },
  cosine: { schedule: cosineSchedule, passes: 1 },
  'linear-accumulated': { schedule: linearSchedule, passes: 2 },
};

/** Each model's fixture, its columns under the names it takes them by. A GPT has its keys' biases in c_attn. */
const families = [
  {
    family: 'BERT',
    folder: 'masked-lm',
    load: (path: string): Promise<Trained> => BertForMaskedLM.fromPretrained(path),
    ...{ columns: idsAndTypes, causal: false, unseen: 'key.bias', names: all },
  },
  {
    family: 'GPT-2',
    folder: 'causal-lm',
    load: (path: string): Promise<Trained> => GPT2LMHeadModel.fromPretrained(path),
    ...{ columns: ids, causal: true, unseen: 'c_attn.bias', names: all },
  },
  {
    family: 'BERT as a classifier',
    folder: 'classifier-bert',
    load: (path: string): Promise<Trained> => BertForSequenceClassification.fromPretrained(path),
    ...{ columns: ids, causal: false, unseen: 'key.bias', names: linear },
  },
  {
    family: 'BERT that gives a number',
    folder: 'regression-bert',
    load: (path: string): Promise<Trained> => BertForSequenceClassification.fromPretrained(path),
    ...{ columns: ids, causal: false, unseen: 'key.bias', names: linear },
  },
  {
    family: 'GPT-2 as a classifier',
    folder: 'classifier-gpt',
    load: (path: string): Promise<Trained> => GPT2ForSequenceClassification.fromPretrained(path),
    ...{ columns: ids, causal: false, unseen: 'c_attn.bias', names: linear },
  },
];
type Batch = { inputIds: number[][]; attentionMask: number[][]; labels: number[][] };

const relative = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);

describe.each(families)('$family', ({ folder, load, columns, causal, unseen, names }) => {
  onEachBackend(() => {
    test.each(names)("twenty steps give PyTorch's losses, norms and weights: %s", async (name) => {
      const { schedule, passes } = runs[name];
      const settings = JSON.parse(await readFile(fixturePath(`${folder}/settings.json`), 'utf8'));
      const batches = await readFixture(`${folder}/batches.safetensors`);
      const [steps, rows] = batches.get('input_ids')!.shape as [number, number, number];
      const named = { ...columns, attentionMask: 'attention_mask', labels: 'labels' };
      const values = Object.entries(named).map(
        ([name, column]) => [name, rowsOf(batches, column).flat()] as const,
      );
      /** Every row of every batch, in order: of each column its entries, or the one of a text. */
      const examples = Array.from({ length: steps * rows }, (_, i) =>
        values.map(([, column]) => {
          const length = column.length / (steps * rows);
          return column.slice(i * length, (i + 1) * length);
        }),
      );
      const collate = (examples: readonly number[][][]) =>
        Object.fromEntries(
          values.map(([name], at) => [name, examples.map((example) => example[at]!)]),
        ) as Batch;

      const before = numTensors();
      const expected = await readFixture(`${folder}/${name}.safetensors`);
      const model = await load(fixturePath(folder));
      const seen: TrainingProgress[] = [];
      const summary = await train({
        model,
        dataset: examples,
        collate,
        causal,
        shuffle: false,
        optimizer: adamW({
          betas: [settings.beta1, settings.beta2],
          epsilon: settings.epsilon,
          weightDecay: settings.weightDecay,
        }),
        schedule: schedule({
          learningRate: settings.learningRate,
          warmupSteps: settings.warmupSteps,
          totalSteps: settings.steps,
        }),
        steps,
        batchSize: rows / passes,
        gradientAccumulationSteps: passes,
        maxGradNorm: settings.maxGradNorm,
        onProgress: (progress) => seen.push(progress),
      });
      expect(seen.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      const worst = { loss: 0, norm: 0, rate: 0, weight: 0 };
      for (const [i, { loss, gradNorm, learningRate }] of seen.entries()) {
        const [l, n, r] = ['loss', 'grad_norm', 'learning_rate'].map(
          (k) => floats(expected, k)[i]!,
        );
        worst.loss = Math.max(worst.loss, relative(loss, l!));
        worst.norm = Math.max(worst.norm, relative(gradNorm, n!));
        worst.rate = Math.max(worst.rate, Math.abs(learningRate - r!));
      }
      for (const [key, parameter] of model.parameters) {
        // A key's bias has no influence: its gradient is rounding noise, which Adam scales up.
        if (key.endsWith(unseen)) continue;
        const values = parameter.value.dataSync();
        for (const [i, value] of floats(expected, `final/${key}`).entries()) {
          worst.weight = Math.max(worst.weight, Math.abs(values[i]! - value));
        }
      }
      expect(worst.loss).toBeLessThan(1e-5);
      expect(worst.norm).toBeLessThan(1e-5);
      expect(worst.rate).toBeLessThan(1e-9);
      expect(worst.weight).toBeLessThan(1e-5);
      expect(summary).toMatchObject({ steps: 20, epoch: 1, resumedFrom: 0 });
      expect(summary.log.map(({ step }) => step)).toEqual([10, 20]);
      const mean = seen.slice(10).reduce((sum, { loss }) => sum + loss, 0) / 10;
      expect(summary.log[1]!.loss).toBeCloseTo(mean, 10);
      model.dispose();
      expect(numTensors()).toBe(before);
    });
  });
});
