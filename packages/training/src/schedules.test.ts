import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { fixturePath, floats, readFixture } from '../test/support.js';
import {
  constantSchedule,
  cosineSchedule,
  inverseSqrtSchedule,
  linearSchedule,
  plateauSchedule,
  type Schedule,
} from './schedules.js';

const rates = (schedule: Schedule, steps: number) =>
  Array.from({ length: steps }, (_, step) => schedule.learningRate(step));

describe("equals Hugging Face's schedule at every step, the one past the end included", () => {
  for (const [warmupSteps, totalSteps] of [
    [5, 20],
    [0, 7],
    [1, 30],
    [10, 10],
  ] as const) {
    for (const [name, make] of [
      ['linear', linearSchedule],
      ['cosine', cosineSchedule],
    ] as const) {
      test(`${name}, ${warmupSteps} of ${totalSteps} steps of warm-up`, async () => {
        const fixture = await readFixture('schedules.safetensors');
        const expected = floats(fixture, `${name}/warmup-${warmupSteps}-of-${totalSteps}`);
        const schedule = make({ learningRate: 1, warmupSteps, totalSteps });
        const actual = rates(schedule, totalSteps + 1);
        expect(expected.length).toBe(totalSteps + 1);
        for (const [step, rate] of actual.entries()) {
          expect(Math.abs(rate - expected[step]!)).toBeLessThan(1e-7);
        }
      });
    }
  }
});

describe('ends with the lowest rate, as the schedules of Hugging Face that have one', () => {
  for (const [warmupSteps, totalSteps] of [
    [5, 20],
    [0, 7],
    [1, 30],
  ] as const) {
    for (const [name, make] of [
      ['linear', linearSchedule],
      ['cosine', cosineSchedule],
    ] as const) {
      test(`${name}, ${warmupSteps} of ${totalSteps} steps of warm-up`, async () => {
        const fixture = await readFixture('schedules.safetensors');
        const key = `${name}-to-a-tenth/warmup-${warmupSteps}-of-${totalSteps}`;
        const schedule = make({ learningRate: 2, minLearningRate: 0.2, warmupSteps, totalSteps });
        for (const [step, factor] of floats(fixture, key).entries()) {
          expect(Math.abs(schedule.learningRate(step) / 2 - factor)).toBeLessThan(1e-7);
        }
        expect(schedule.learningRate(totalSteps)).toBeCloseTo(0.2, 12);
        expect(schedule.settings).toMatchObject({ minLearningRate: 0.2 });
      });
    }
  }
});

describe('one over the square root of the steps', () => {
  test.each([
    ['warmup-5-timescale-None', { warmupSteps: 5 }],
    ['warmup-0-timescale-None', {}],
    ['warmup-5-timescale-40', { warmupSteps: 5, timescale: 40 }],
    ['warmup-0-timescale-3', { timescale: 3 }],
  ])("is Hugging Face's at every step: %s", async (name, options) => {
    const expected = floats(await readFixture('schedules.safetensors'), `inverse-sqrt/${name}`);
    const schedule = inverseSqrtSchedule({ learningRate: 2, ...options });
    expect(expected.length).toBe(31);
    for (const [step, factor] of expected.entries()) {
      expect(Math.abs(schedule.learningRate(step) / 2 - factor)).toBeLessThan(1e-7);
    }
  });

  test.each([1, 5, 12])(
    "is the original's, whose rate counts otherwise: %d",
    async (warmupSteps) => {
      const fixture = await readFixture('schedules.safetensors');
      const original = floats(fixture, `original-inverse-sqrt/warmup-${warmupSteps}`);
      const schedule = inverseSqrtSchedule({
        learningRate: 1 / Math.sqrt(warmupSteps),
        warmupSteps,
      });
      for (const [step, rate] of original.entries()) {
        expect(Math.abs(schedule.learningRate(step) - rate)).toBeLessThan(1e-7);
      }
    },
  );
});

describe('by plateaus', () => {
  const losses: number[] = JSON.parse(readFileSync(fixturePath('plateau-losses.json'), 'utf8'));

  test.each([
    ['patience-0-factor-0.5-min-0', {}],
    ['patience-1-factor-0.1-min-0', { patience: 1, factor: 0.1 }],
    ['patience-2-factor-0.5-min-0.4', { patience: 2, minLearningRate: 0.4 }],
    ['patience-0-factor-0.001-min-0', { factor: 0.001 }],
  ])("is PyTorch's after every evaluation: %s", async (name, options) => {
    const rates = floats(await readFixture('schedules.safetensors'), `plateau/${name}`);
    const schedule = plateauSchedule({ learningRate: 1, ...options });
    expect(new Set(rates).size).toBeGreaterThan(2);
    for (const [i, rate] of rates.entries()) {
      const apart = Math.abs(schedule.learningRate(100, losses.slice(0, i + 1)) - rate);
      expect(apart).toBeLessThan(1e-7 * rate);
    }
  });

  test('climbs first, whatever is measured meanwhile', () => {
    const schedule = plateauSchedule({ learningRate: 2, warmupSteps: 4 });
    expect(rates(schedule, 6)).toEqual([0, 0.5, 1, 1.5, 2, 2]);
    expect(schedule.learningRate(3, [1, 1])).toBe(1.5);
    expect(schedule.learningRate(4, [1, 1])).toBe(1);
    expect(schedule.needsEvaluation).toBe(true);
    expect(schedule.settings).toEqual({
      ...{ name: 'plateau', learningRate: 2, warmupSteps: 4 },
      ...{ factor: 0.5, patience: 0, threshold: 1e-4 },
    });
  });

  test.each([
    [{ factor: 1 }, 'factor'],
    [{ factor: -0.5 }, 'factor'],
    [{ patience: 0.5 }, 'patience'],
    [{ patience: -1 }, 'patience'],
    [{ threshold: Number.NaN }, 'threshold'],
    [{ minLearningRate: 2 }, 'minLearningRate'],
  ])('refuses %p', (options, name) => {
    expect(() => plateauSchedule({ learningRate: 1, ...options })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(name) }),
    );
  });
});

test('no schedule falls from the start at once', () => {
  expect(() => inverseSqrtSchedule({ learningRate: 1, timescale: 0 })).toThrow(/timescale is 0/);
});

test('the constant schedule climbs, then stays', () => {
  const schedule = constantSchedule({ learningRate: 2e-3, warmupSteps: 4 });
  expect(rates(schedule, 7)).toEqual([0, 5e-4, 1e-3, 1.5e-3, 2e-3, 2e-3, 2e-3]);
  expect(constantSchedule({ learningRate: 3 }).learningRate(0)).toBe(3);
});

test('the cosine schedule makes as many waves as asked for', () => {
  const schedule = cosineSchedule({ learningRate: 1, totalSteps: 8, cycles: 1 });
  const expected = [1, 0.8535534, 0.5, 0.1464466, 0, 0.1464466, 0.5, 0.8535534, 1];
  for (const [step, rate] of rates(schedule, 9).entries()) {
    expect(rate).toBeCloseTo(expected[step]!, 6);
  }
});

test('settings tell schedules apart', () => {
  const options = { learningRate: 1, totalSteps: 8 };
  expect(linearSchedule(options).settings).toEqual({ name: 'linear', ...options, warmupSteps: 0 });
  expect(cosineSchedule(options).settings).toMatchObject({ name: 'cosine', cycles: 0.5 });
});

test.each([
  [{ learningRate: -1, totalSteps: 5 }, 'learningRate'],
  [{ learningRate: Number.NaN, totalSteps: 5 }, 'learningRate'],
  [{ learningRate: 1, totalSteps: 5, warmupSteps: -2 }, 'warmupSteps'],
  [{ learningRate: 1, totalSteps: Number.POSITIVE_INFINITY }, 'totalSteps'],
  [{ learningRate: 1, totalSteps: 5, minLearningRate: -1 }, 'minLearningRate'],
  [{ learningRate: 1, totalSteps: 5, minLearningRate: 2 }, 'minLearningRate'],
])('refuses %p', (options, name) => {
  expect(() => linearSchedule(options)).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(name) }),
  );
});
