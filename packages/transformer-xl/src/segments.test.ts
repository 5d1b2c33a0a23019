import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readSafetensors, toFloat32, toInt32 } from '@multihead/checkpoint';
import { valueAndGradients } from '@multihead/nn';
import { camelCase, distance } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { type LMHeadInputs, TransfoXLLMHeadModel } from './index.js';

const folder = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** What `tooling/reference/transformer_xl.py` wrote of three segments: values by name. */
async function read(name: string) {
  const all = new Map<string, { shape: number[]; values: Float32Array | Int32Array }>();
  const file = await readSafetensors(readFileSync(`${folder(name)}/segments.safetensors`));
  for await (const stored of file.tensors()) {
    const values = stored.dtype === 'I32' ? toInt32(stored) : toFloat32(stored);
    all.set(stored.name, { shape: stored.shape, values: values.slice() });
  }
  return all;
}

/** By transformers, whose memory begins as zeros, and which shifts labels. */
const HUGGING_FACE = [
  'div-1',
  'div-1-projected',
  'div-2',
  'div-4',
  'pre-lnorm',
  'pre-lnorm-tied-r',
  'same-length-tied-r',
  'clamp',
  'no-memory',
  'long-memory',
  'no-cutoffs-untied',
  'untied-clusters',
];

/** By the original's formulas: memory begins empty, and a segment's last token is foretold too. */
const ORIGINALS = [
  'empty-memory',
  'shaw',
  'shaw-clamp-same-length-pre-lnorm',
  'absolute',
  'absolute-clamp-pre-lnorm',
  'absolute-no-memory',
  'al-rfou',
  'al-rfou-pre-lnorm-same-length',
  'ext-len',
];

describe.each([
  { backend: 'cpu', start: () => tf.setBackend('cpu') },
  { backend: 'wasm', start: () => useWasm() },
  { backend: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
])('three segments on $backend', ({ start }) => {
  beforeAll(async () => void (await start()));

  test.each([...HUGGING_FACE, ...ORIGINALS])('%s: outputs, memories, gradients', async (name) => {
    const isOriginal = ORIGINALS.includes(name);
    const before = tf.memory().numTensors;
    const expected = await read(name);
    const model = await TransfoXLLMHeadModel.fromPretrained(folder(name));
    const { memLen, extLen } = model.config;
    const { shape, values } = expected.get('input_ids')!;
    const [batch, total] = shape as [number, number];
    const columns = (of: ArrayLike<number>, from: number, to: number) =>
      Array.from({ length: batch }, (_, row) =>
        Array.from(of).slice(row * total + Math.max(0, from), row * total + to),
      );
    const labels = expected.get('labels')?.values ?? [];
    const length = Math.floor(total / 3);
    const inputsOf = (i: number): LMHeadInputs => {
      const [from, to] = [i * length, (i + 1) * length];
      return isOriginal
        ? {
            inputIds: columns(values, from - extLen, to),
            targets: columns(values, from + 1, to + 1),
          }
        : { inputIds: columns(values, from, to), labels: columns(labels, from, to) };
    };
    let mems = isOriginal && memLen > 0 ? model.initMems(batch, 0) : undefined;
    const far: string[] = [];
    const compare = (key: string, tensor: tf.Tensor, tolerance: number, relative: boolean) => {
      const { shape, values } = expected.get(key)!;
      expect({ key, shape: tensor.shape }).toEqual({ key, shape });
      const apart = distance(tensor.dataSync(), values);
      const off = relative ? apart.relative : apart.absolute;
      if (!(off <= tolerance)) far.push(`${key}: off by ${off}`);
    };
    for (let i = 0; i < 3; i++) {
      const inputs = { ...inputsOf(i), mems };
      const outputs = model.forward(inputs, { outputAttentions: true, outputHiddenStates: true });
      const produced = new Map<string, tf.Tensor>();
      for (const [key, value] of Object.entries(outputs)) {
        if (value instanceof tf.Tensor) produced.set(key, value);
        else if (Array.isArray(value))
          for (const [k, one] of value.entries()) produced.set(`${key}.${k}`, one);
      }
      const wanted = [...expected.keys()].filter((key) => key.startsWith(`${i}/`));
      for (const key of wanted.filter((key) => !key.includes('grad/'))) {
        if (/mems\.\d+$/.test(key) && memLen === 0) continue; // the reference gives empty ones
        compare(key, produced.get(camelCase(key.slice(2)))!, 1e-5, false);
      }
      const lossAlone = model.forward(inputs, { outputLogits: false });
      compare(`${i}/loss`, lossAlone.loss!, 1e-5, false);
      expect(lossAlone.losses).toBeUndefined();
      lossAlone.dispose();
      const losses = model.forward(inputs, { outputLogits: false, outputLosses: true });
      expect(losses.logits).toBeUndefined();
      for (const key of ['loss', 'losses'] as const)
        compare(`${i}/${key}`, losses[key]!, 1e-5, false);
      losses.dispose();
      if (i === 2) {
        const { value, gradients } = valueAndGradients(
          model,
          () => model.forward(inputs, { outputLogits: false }).loss!,
        );
        const reached = wanted.filter((key) => key.includes('grad/'));
        for (const key of reached) {
          const gradient = gradients.get(key.slice('2/grad/'.length));
          if (gradient) compare(key, gradient, 1e-4, true);
          else if (expected.get(key)!.values.some((v) => v !== 0)) far.push(`${key}: none`);
        }
        for (const key of gradients.keys()) {
          if (!expected.has(`2/grad/${key}`)) far.push(`${key}: the reference has none`);
        }
        tf.dispose([value, ...gradients.values()]);
      }
      tf.dispose(mems ?? []);
      mems = outputs.mems?.map((mem) => tf.clone(mem));
      outputs.dispose();
    }
    tf.dispose(mems ?? []);
    model.dispose();
    expect(far).toEqual([]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('every reference is tested', async () => {
  for (const name of [...HUGGING_FACE, ...ORIGINALS]) {
    expect(existsSync(`${folder(name)}/segments.safetensors`)).toBe(true);
  }
  const { readdirSync } = await import('node:fs');
  const there = readdirSync(folder('')).filter(
    (name) => existsSync(`${folder(name)}/segments.safetensors`) && name !== 'original',
  );
  expect(there.sort()).toEqual([...HUGGING_FACE, ...ORIGINALS].sort());
});
