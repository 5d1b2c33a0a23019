import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ModelOutput, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import {
  type LMHeadOutputs,
  TransfoXLConfig,
  type TransfoXLConfigFields,
  TransfoXLLMHeadModel,
} from './index.js';

// Drawn weights, large enough that attention and predictions are far from even, in int8 and in float32.
const sizes = {
  ...{ vocabSize: 3000, dModel: 128, dEmbed: 128, nHead: 4, dHead: 32, dInner: 256, nLayer: 2 },
  ...{ divVal: 1, memLen: 24, sameLength: false, initStd: 0.1, projInitStd: 0.1 },
};
/** By name: the configuration, and what part of the memory int8 leaves. Projections stay float32. */
const configurations: Record<string, [fields: Partial<TransfoXLConfigFields>, share: number]> = {
  'no clusters': [{}, 0.28],
  'clusters of one table': [{ cutoffs: [500, 1700] }, 0.28],
  'clusters of narrower tables': [{ cutoffs: [500, 1700], divVal: 2 }, 0.35],
  'clusters that come out by a table of their own': [
    { cutoffs: [500, 1700], dEmbed: 96, tieWordEmbeddings: false },
    0.3,
  ],
  'learnt distances': [{ attnType: 1, tgtLen: 20 }, 0.29],
  'absolute positions': [{ attnType: 2 }, 0.28],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'multihead-transfo-xl-'));
  await useWasm();
  for (const [name, [fields]] of Object.entries(configurations)) {
    const config = new TransfoXLConfig({ ...sizes, ...fields });
    using model = new TransfoXLLMHeadModel(config, new Weights({ seed: 3 }));
    await model.save(join(folder, name));
  }
});
afterAll(() => rm(folder, { recursive: true }));

const segment = (from: number) =>
  [0, 1].map((row) => Array.from({ length: 20 }, (_, i) => ((from + i + 7 * row) * 7919) % 3000));

/** The least cosine of two tensors' vectors, which are along the last axis. */
function leastCosine(exact: tf.Tensor, near: tf.Tensor): number {
  const along = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(a, b), -1);
  const norms = tf.sqrt(tf.mul(along(exact, exact), along(near, near)));
  return tf.min(tf.div(along(exact, near), norms)).dataSync()[0]!;
}

/** What outputs say of two segments: states, memories without the zeros of the beginning, centred logits. */
function vectorsOf({ hiddenStates, mems, logits }: LMHeadOutputs): tf.Tensor[] {
  const remembered = mems!.map((mem) => tf.slice(mem, [0, 4, 0], [2, 20, 128]));
  return [...hiddenStates!, ...remembered, tf.sub(logits!, tf.mean(logits!, -1, true))];
}

describe.each([
  { backend: 'wasm', start: () => useWasm() },
  { backend: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
])('q8 on $backend', ({ start }) => {
  beforeAll(async () => void (await start()));

  test.each(Object.entries(configurations))(
    '%s: states, memories and logits within a cosine of 0.999, in a quarter of the memory',
    async (name, [, share]) => {
      const before = tf.memory();
      const bytes = () => tf.memory().numBytes - before.numBytes;
      const model = await TransfoXLLMHeadModel.fromPretrained(join(folder, name));
      const floats = bytes();
      const small = await TransfoXLLMHeadModel.fromPretrained(join(folder, name), { dtype: 'q8' });
      expect((bytes() - floats) / floats).toBeLessThan(share);
      let mems: [tf.Tensor[], tf.Tensor[]] | undefined;
      const held: { dispose(): void }[] = [model, small];
      for (const from of [0, 20]) {
        const given = { inputIds: segment(from), targets: segment(from + 1) };
        const [exact, near] = [model, small].map((one, i) =>
          one.forward({ ...given, mems: mems?.[i] }, { outputHiddenStates: true }),
        ) as [ModelOutput<LMHeadOutputs>, ModelOutput<LMHeadOutputs>];
        using alone = small.forward({ ...given, mems: mems?.[1] }, { outputLogits: false });
        tf.tidy(() => {
          const found = vectorsOf(near);
          for (const [i, vectors] of vectorsOf(exact).entries()) {
            expect(leastCosine(vectors, found[i]!)).toBeGreaterThan(0.999);
          }
        });
        const losses = [exact, near, alone].map(({ loss }) => loss!.dataSync()[0]!);
        expect(Math.abs(losses[1]! / losses[0]! - 1)).toBeLessThan(0.01);
        expect(losses[2]).toBeCloseTo(losses[1]!, 4);
        mems = [exact.mems!, near.mems!];
        held.push(exact, near);
      }
      for (const one of held) one.dispose();
      expect(tf.memory().numTensors).toBe(before.numTensors);
    },
  );
});
