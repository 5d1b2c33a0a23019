import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Ids, type PretrainedSource, Random, valueAndGradients, Weights } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { causalContract } from './causal-contract.js';
import { distance } from './closeness.js';
import { finiteDifference } from './finite-differences.js';
import { expectParity, type ParityOptions } from './parity.js';
import type { VariantForwardOptions, VariantInputs, VariantModel } from './variant-model.js';

export interface Backend {
  name: string;
  start: () => Promise<unknown>;
}

export interface Variant<M extends VariantModel> {
  name: string;
  /** A model of a tiny configuration with these weights. */
  create: (weights: Weights) => M;
  /** The same class's `fromPretrained`. */
  load: (source: PretrainedSource) => Promise<M>;
  vocabSize: number;
  /** The outputs to hold to the contract, each [batch, length, …]. */
  outputs: string[];
  /** Those that say something about a whole text, each [batch, …]. */
  textOutputs?: string[];
  /** Whether a position sees only itself and what comes before it. */
  causal: boolean;
  /** Whether it is a `CausalModel`, whose state keeps a contract of its own; default false. */
  decodes?: boolean;
  /**
   * Labels that give a `loss`: one a position or one a text, or inputs under names of their own. Absent
   * for a model without a loss.
   */
  labels?: (ids: number[][], random: Random) => number[] | number[][] | Record<string, number[]>;
  /** How far finite differences move a parameter; default 0.01. Less where a network has corners (relu). */
  step?: number;
  backends: Backend[];
  /** Fixture folders from a reference implementation, by what each one shows. */
  reference?: Record<string, string | { folder: string; options: Partial<ParityOptions<M>> }>;
}

const BATCH = 3;
const LENGTH = 7;

/**
 * The contract every model variant keeps: shapes, determinism, independence of batch and padding,
 * causality, seeds, gradients, no leaks, save and load, clear errors, and equality with a reference.
 * Call it at the top level of a test file.
 */
export function testVariant<M extends VariantModel>(variant: Variant<M>): void {
  for (const backend of variant.backends) {
    describe(`${variant.name} on ${backend.name}`, () => {
      beforeAll(async () => void (await backend.start()));
      contract(variant);
      references(variant);
    });
  }
}

function contract<M extends VariantModel>(variant: Variant<M>): void {
  const { create, vocabSize, textOutputs = [] } = variant;
  const outputs = [...variant.outputs, ...textOutputs];
  const random = new Random(7, variant.name);
  const ids = Array.from({ length: BATCH }, () =>
    Array.from({ length: LENGTH }, () => 1 + random.below(vocabSize - 1)),
  );
  const given = variant.labels?.(ids, random);
  const labels = Array.isArray(given) ? { labels: given } : given;
  let model: M;
  beforeAll(() => {
    model = lively(create, 1);
  });
  afterAll(() => model.dispose());

  /** The named outputs of a forward pass as plain arrays, everything freed. */
  const run = (inputs: VariantInputs, options: VariantForwardOptions = {}, of: M = model) => {
    const result = of.forward(inputs, options) as Record<string, tf.Tensor> & { dispose(): void };
    const read = outputs.map((name) => ({
      name,
      shape: result[name]!.shape,
      values: result[name]!.dataSync() as Float32Array,
    }));
    result.dispose();
    return read;
  };

  test('every output has the batch and the length of the input', () => {
    for (const { name, shape, values } of run({ inputIds: ids })) {
      const wanted = textOutputs.includes(name) ? [BATCH] : [BATCH, LENGTH];
      expect(shape.slice(0, wanted.length)).toEqual(wanted);
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  test('the same input gives the same bits', () => {
    expect(run({ inputIds: ids })).toEqual(run({ inputIds: ids }));
  });

  test('the same seed gives the same weights, another seed others', () => {
    const twin = lively(create, 1);
    const other = lively(create, 2);
    expect(run({ inputIds: ids }, {}, twin)).toEqual(run({ inputIds: ids }));
    expect(run({ inputIds: ids }, {}, other)).not.toEqual(run({ inputIds: ids }));
    twin.dispose();
    other.dispose();
  });

  test('a text gives the same alone as in a batch', () => {
    const together = run({ inputIds: ids });
    const alone = run({ inputIds: ids[1]! });
    alone.forEach(({ values }, i) => {
      const row = together[i]!.values.subarray(values.length, 2 * values.length);
      expect(distance(values, row).absolute).toBeLessThan(1e-5);
    });
  });

  test('padding behind texts of different lengths changes nothing', () => {
    const texts = ids.map((row, b) => row.slice(0, LENGTH - 2 * b));
    const width = LENGTH + 2;
    const fill = (row: number[]) => [...row, ...Array<number>(width - row.length).fill(0)];
    const attentionMask = texts.map((row) => fill(row.map(() => 1)));
    run({ inputIds: texts.map(fill), attentionMask }).forEach(({ values }, i) => {
      texts.forEach((inputIds, b) => {
        const alone = run({ inputIds })[i]!.values;
        const from = (b * values.length) / BATCH;
        const row = values.subarray(from, from + alone.length);
        expect(distance(row, alone).absolute).toBeLessThan(1e-5);
      });
    });
  });

  test(
    variant.causal
      ? 'a position sees nothing that comes after it'
      : 'a position sees what comes after it',
    () => {
      const changed = ids.map((row) => [...row.slice(0, -1), (row.at(-1)! % (vocabSize - 1)) + 1]);
      const before = run({ inputIds: ids });
      run({ inputIds: changed }).forEach(({ name, values }, i) => {
        if (textOutputs.includes(name)) return;
        const width = values.length / (BATCH * LENGTH);
        ids.forEach((_, b) => {
          const [from, to] = [b * LENGTH * width, ((b + 1) * LENGTH - 1) * width];
          const row = before[i]!.values.subarray(from, to);
          const { absolute } = distance(values.subarray(from, to), row);
          if (variant.causal) expect(absolute).toBeLessThan(1e-6);
          else expect(absolute).toBeGreaterThan(1e-4);
        });
      });
    },
  );

  test('the order of the tokens counts', () => {
    const turned = ids.map((row) => [...row].reverse());
    const before = run({ inputIds: ids });
    run({ inputIds: turned }).forEach(({ name, values }, i) => {
      if (textOutputs.includes(name)) {
        expect(distance(values, before[i]!.values).absolute).toBeGreaterThan(1e-4);
        return;
      }
      const width = values.length / (BATCH * LENGTH);
      const last = values.subarray((LENGTH - 1) * width, LENGTH * width);
      const { absolute } = distance(last, before[i]!.values.subarray(0, width));
      expect(absolute).toBeGreaterThan(1e-4);
    });
  });

  test('dropout follows its generator and is off without one', () => {
    const seeded = () => run({ inputIds: ids }, { random: new Random(3) });
    expect(seeded()).toEqual(seeded());
    expect(seeded()).not.toEqual(run({ inputIds: ids }));
  });

  test('what was saved loads to the same outputs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'multihead-variant-'));
    try {
      await model.save(join(folder, 'model'));
      const loaded = await variant.load(join(folder, 'model'));
      expect(run({ inputIds: ids }, {}, loaded)).toEqual(run({ inputIds: ids }));
      expect([...loaded.parameters.keys()].sort()).toEqual([...model.parameters.keys()].sort());
      loaded.dispose();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('wrong ids, ragged rows and empty input are refused and leave nothing behind', () => {
    const before = tf.memory().numTensors;
    const code = (inputIds: Ids) => {
      try {
        model.forward({ inputIds });
      } catch (error) {
        return (error as { code?: string }).code;
      }
      return undefined;
    };
    expect(code([[1, vocabSize]])).toBe('ID_OUT_OF_RANGE');
    expect(code([[1, -1]])).toBe('ID_OUT_OF_RANGE');
    expect(code([[1, 1.5]])).toBe('BAD_INPUT');
    expect(code([[1, Number.NaN]])).toBe('BAD_INPUT');
    expect(code([[1, 2], [1]])).toBe('BAD_INPUT');
    expect(code([])).toBe('BAD_INPUT');
    expect(code([[]])).toBe('BAD_INPUT');
    expect(tf.memory().numTensors).toBe(before);
  });

  test('100 forward passes leave no tensor behind', () => {
    const before = tf.memory().numTensors;
    for (let i = 0; i < 100; i++) run({ inputIds: ids }, { outputAttentions: i % 2 === 0 });
    expect(tf.memory().numTensors).toBe(before);
  });

  if (variant.decodes) causalContract({ model: () => model, ids, vocabSize });

  if (labels === undefined) return;

  test('the gradient of every parameter agrees with finite differences', () => {
    const inputs = { inputIds: ids, ...labels } as VariantInputs;
    const loss = () => model.forward(inputs).loss!;
    const { value, gradients } = valueAndGradients(model, loss);
    const apart: string[] = [];
    for (const [path, parameter] of model.parameters) {
      const gradient = gradients.get(path);
      const along = gradient?.dataSync() ?? [];
      const norm = Math.hypot(...Array.from(along));
      const random = new Random(5, path);
      const anywhere = Float32Array.from({ length: parameter.value.size }, () => random.normal());
      // Along the gradient, where it is not lost in the rounding of a float32 loss, and anywhere,
      // where a part that the gradient lacks shows.
      for (const direction of norm < 1e-3 ? [anywhere] : [along, anywhere]) {
        const moved = finiteDifference(parameter, gradient, direction, loss, variant.step);
        const { slope, expected } = moved;
        const tolerance = direction === along ? 0.02 * norm : 3e-4 + 0.02 * Math.abs(expected);
        if (!(Math.abs(slope - expected) <= tolerance)) {
          apart.push(`${path}: ${slope} and not ${expected}`);
        }
      }
    }
    expect(apart).toEqual([]);
    expect(gradients.size).toBeGreaterThan(0);
    tf.dispose([value, ...gradients.values()]);
  });

  test('100 training passes leave no tensor behind', () => {
    const inputs = { inputIds: ids, ...labels } as VariantInputs;
    const before = tf.memory().numTensors;
    for (let i = 0; i < 100; i++) {
      const random = new Random(i);
      const step = valueAndGradients(model, () => model.forward(inputs, { random }).loss!);
      tf.dispose([step.value, ...step.gradients.values()]);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
}

function references<M extends VariantModel>({ reference = {}, load }: Variant<M>): void {
  for (const [what, one] of Object.entries(reference)) {
    const { folder, options } = typeof one === 'string' ? { folder: one, options: {} } : one;
    test(`equals the reference: ${what}`, async () => {
      const before = tf.memory().numTensors;
      await expectParity<M>(folder, { load, ...options });
      expect(tf.memory().numTensors).toBe(before);
    });
  }
}

/**
 * A model in which every part matters: the usual N(0, 0.02²) leaves attention nearly uniform, and
 * zero biases would hide one that is never read.
 */
function lively<M extends VariantModel>(create: (weights: Weights) => M, seed: number): M {
  const model = create(new Weights({ seed }));
  for (const parameter of model.parameters.values()) {
    const random = new Random(seed, 'lively', parameter.path);
    const values = (parameter.value.dataSync() as Float32Array).map(
      (v) => v + 0.2 * random.normal(),
    );
    parameter.assign(tf.tensor(values, [...parameter.shape]));
  }
  return model;
}
