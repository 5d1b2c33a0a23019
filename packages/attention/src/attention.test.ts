import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readSafetensors, toFloat32, toInt32 } from '@multihead/checkpoint';
import { dropoutMask, normal, Random, valueAndGradients, Weights } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import {
  type AttentionOptions,
  causalMask,
  combineMasks,
  MASKED,
  MultiHeadAttention,
  paddingMask,
  scaledDotProductAttention,
} from './index.js';

/** The cases `tooling/reference/ops.py` wrote: case → name → tensor. */
const file = new URL('../fixtures/scaled-dot-product-attention.safetensors', import.meta.url);
const cases = new Map<string, Map<string, tf.Tensor>>();

async function readCases(): Promise<void> {
  for await (const stored of (await readSafetensors(readFileSync(file))).tensors()) {
    const [name, ...rest] = stored.name.split('/') as [string, ...string[]];
    const value = stored.dtype === 'F32' ? toFloat32(stored) : toInt32(stored);
    const one = tf.tensor(value, stored.shape, stored.dtype === 'F32' ? 'float32' : 'int32');
    if (!cases.has(name)) cases.set(name, new Map());
    cases.get(name)!.set(rest.join('/'), one);
  }
}

function options(one: Map<string, tf.Tensor>): AttentionOptions {
  const attentionMask = one.get('attention_mask');
  const headMask = one.get('head_mask');
  return {
    numHeads: one.get('num_heads')!.dataSync()[0]!,
    causal: one.has('causal') && one.get('causal')!.dataSync()[0] === 1,
    mask: attentionMask && paddingMask(attentionMask),
    headMask: headMask && tf.reshape(headMask, [1, -1, 1, 1]),
  };
}

const apart = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    cases.clear();
    await readCases();
  });

  test('context and weights equal the reference in every case', () => {
    expect(cases.size).toBeGreaterThan(10);
    for (const [name, one] of cases) {
      const [query, key, value] = ['query', 'key', 'value'].map((n) => one.get(n)!);
      const { context, weights } = scaledDotProductAttention(query!, key!, value!, {
        ...options(one),
        outputAttentions: true,
      });
      const far = {
        context: apart(context, one.get('context')!),
        weights: apart(weights!, one.get('weights')!),
      };
      expect({ name, close: far.context < 1e-5 && far.weights < 1e-5, far }).toMatchObject({
        name,
        close: true,
      });
    }
  });

  test('gradients equal the reference in every case', () => {
    for (const [name, one] of cases) {
      const weights = new Weights({
        tensors: new Map(['query', 'key', 'value'].map((n) => [n, tf.clone(one.get(n)!)])),
      });
      const [query, key, value] = ['query', 'key', 'value'].map((n) =>
        weights.parameter(n, one.get(n)!.shape, () => {}),
      );
      const { gradients } = valueAndGradients(weights, () => {
        const { context } = scaledDotProductAttention(
          query!.value,
          key!.value,
          value!.value,
          options(one),
        );
        return tf.sum(tf.mul(context, one.get('cotangent')!));
      });
      for (const [input, gradient] of gradients) {
        const expected = one.get(`grad/${input}`)!;
        const largest = tf.max(tf.abs(expected)).dataSync()[0]!;
        const far = apart(gradient, expected);
        expect({ name, input, far, close: far <= 1e-4 * largest + 1e-6 }).toMatchObject({
          close: true,
        });
      }
      weights.dispose();
    }
  });

  test('dropout multiplies the weights by the mask of its seed', () => {
    const one = cases.get('plain')!;
    const [query, key, value] = ['query', 'key', 'value'].map((n) => one.get(n)!);
    const { weights } = scaledDotProductAttention(query!, key!, value!, {
      ...options(one),
      dropout: { rate: 0.4, seed: 11 },
      outputAttentions: true,
    });
    const expected = tf.mul(one.get('weights')!, dropoutMask(weights!.shape, 0.4, 11));
    expect(apart(weights!, expected)).toBeLessThan(1e-6);
    expect(Array.from(weights!.dataSync())).toContain(0);
  });

  test('the causal mask, the padding mask and their combination hide what they should', () => {
    const hidden = (mask: tf.Tensor) => Array.from(mask.dataSync(), (v) => (v === MASKED ? 1 : 0));
    expect(hidden(causalMask(2, 3))).toEqual([0, 0, 1, 0, 0, 0]);
    expect(hidden(causalMask(3, 1))).toEqual([1, 1, 0]);
    const padding = paddingMask(tf.tensor2d([[1, 1, 0]], undefined, 'int32'));
    expect(padding.shape).toEqual([1, 1, 1, 3]);
    expect(hidden(padding)).toEqual([0, 0, 1]);
    const both = combineMasks(padding, causalMask(3, 3));
    expect(both.shape).toEqual([1, 1, 3, 3]);
    expect(hidden(both)).toEqual([0, 1, 1, 0, 0, 1, 0, 0, 1]);
    expect(Array.from(both.dataSync()).every(Number.isFinite)).toBe(true);
  });

  test('shapes that do not fit are refused with both shapes named', () => {
    const x = (...shape: number[]) => tf.zeros(shape);
    const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, numHeads: number) => () =>
      scaledDotProductAttention(q, k, v, { numHeads });
    expect(attend(x(1, 2, 4), x(1, 3, 6), x(1, 3, 4), 2)).toThrow(/\[1,2,4\].*\[1,3,6\]/);
    expect(attend(x(1, 2, 4), x(1, 3, 4), x(1, 2, 4), 2)).toThrow(/of one length/);
    expect(attend(x(1, 2, 5), x(1, 3, 5), x(1, 3, 5), 2)).toThrow(/2 heads/);
    expect(attend(x(2, 2, 4), x(1, 3, 4), x(1, 3, 4), 2)).toThrow(/\[2,2,4\].*\[1,3,4\]/);
  });

  test('MultiHeadAttention attends to a memory, and drops out only with a generator', () => {
    const weights = new Weights({ seed: 5 });
    const at = (name: string) => weights.at(name);
    const attention = new MultiHeadAttention(
      { query: at('q'), key: at('k'), value: at('v'), output: at('o') },
      {
        hiddenSize: 8,
        numHeads: 2,
        dropout: 0.5,
        initializer: normal(1),
      },
    );
    const x = tf.randomNormal([2, 3, 8], 0, 1, 'float32', 1);
    const memory = tf.randomNormal([2, 5, 8], 0, 1, 'float32', 2);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const plain = attention.forward(x, { memory, outputAttentions: true });
      expect(plain.context.shape).toEqual([2, 3, 8]);
      expect(plain.weights!.shape).toEqual([2, 2, 3, 5]);
      expect(apart(attention.forward(x, { memory }).context, plain.context)).toBe(0);
      const dropped = attention.forward(x, { memory, random: new Random(1) }).context;
      expect(apart(dropped, plain.context)).toBeGreaterThan(1e-3);
    });
    expect(tf.memory().numTensors).toBe(before);
    expect([...weights.parameters.keys()]).toEqual(
      ['q', 'k', 'v', 'o'].flatMap((n) => [`${n}.weight`, `${n}.bias`]),
    );
    weights.dispose();
  });
});
