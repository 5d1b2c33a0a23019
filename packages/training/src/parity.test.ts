import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { BertForMaskedLM, type BertMaskedLMInputs } from '@multihead/bert';
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

const settings = JSON.parse(await readFile(fixturePath('masked-lm/settings.json'), 'utf8'));
const batches = await readFixture('masked-lm/batches.safetensors');

/** Every row of every batch, in order. */
const columns = ['input_ids', 'attention_mask', 'token_type_ids', 'labels'];
const [steps, rows, length] = batches.get('input_ids')!.shape as [number, number, number];
const values = columns.map((column) => rowsOf(batches, column).flat());
const examples = Array.from({ length: steps * rows }, (_, i) =>
  values.map((column) => column.slice(i * length, (i + 1) * length)),
);

function collate(examples: readonly number[][][]): BertMaskedLMInputs {
  const column = (at: number) => examples.map((example) => example[at]!);
  return {
    inputIds: column(0),
    attentionMask: column(1),
    tokenTypeIds: column(2),
    labels: column(3),
  };
}

const relative = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);

onEachBackend(() => {
  test.each([
    ['linear', linearSchedule, 1],
    ['cosine', cosineSchedule, 1],
    ['linear-accumulated', linearSchedule, 2],
  ] as const)(
    "twenty steps of BERT give PyTorch's losses, norms and weights: %s",
    async (name, schedule, passes) => {
      const before = numTensors();
      const expected = await readFixture(`masked-lm/${name}.safetensors`);
      const model = await BertForMaskedLM.fromPretrained(fixturePath('masked-lm'));
      const seen: TrainingProgress[] = [];
      const summary = await train({
        model,
        dataset: examples,
        collate,
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
        if (key.endsWith('key.bias')) continue;
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
    },
  );
});
