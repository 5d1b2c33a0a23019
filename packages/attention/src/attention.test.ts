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

describe.each(['cpu', 'wasm'])('what callers get wrong or forget, on %s', (backend) => {
  beforeAll(async () => void (await tf.setBackend(backend)));
  const x = (seed: number, ...shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', seed);
  const attend = (options: Partial<AttentionOptions>) => {
    const [q, k, v] = [x(1, 2, 3, 4), x(2, 2, 3, 4), x(3, 2, 3, 4)];
    return scaledDotProductAttention(q, k, v, { numHeads: 2, outputAttentions: true, ...options });
  };

  test('outside of a tidy, only the results are left', () => {
    const q = x(1, 2, 3, 4);
    const ones = tf.ones([2, 3]);
    const scope = new Weights({ seed: 1 });
    const at = (name: string) => scope.at(name);
    const attention = new MultiHeadAttention(
      { query: at('q'), key: at('k'), value: at('v'), output: at('o') },
      { hiddenSize: 4, numHeads: 2 },
    );
    const before = tf.memory().numTensors;
    const mask = paddingMask(ones);
    const direct = scaledDotProductAttention(q, q, q, {
      numHeads: 2,
      mask,
      causal: true,
      outputAttentions: true,
    });
    const layer = attention.forward(q, { mask, outputAttentions: true });
    expect(tf.memory().numTensors).toBe(before + 5);
    tf.dispose([mask, { ...direct }, { ...layer }]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a bias above zero counts beside the causal mask', () => {
    const bias = x(4, 1, 2, 3, 3);
    const both = attend({ mask: bias, causal: true }).weights!;
    const byHand = tf.softmax(
      tf.add(tf.log(attend({ mask: bias }).weights!), causalMask(3, 3)) as tf.Tensor4D,
    );
    expect(apart(both, byHand)).toBeLessThan(1e-6);
  });

  test('a mask of −Infinity hides, and gives no NaN where it hides everything', () => {
    const hide = [0, 0, Number.NEGATIVE_INFINITY];
    const { weights } = attend({ mask: tf.tensor(hide, [1, 1, 1, 3]) });
    expect(
      apart(weights!, attend({ mask: tf.tensor([0, 0, MASKED], [1, 1, 1, 3]) }).weights!),
    ).toBe(0);
    const none = attend({ mask: tf.fill([3], Number.NEGATIVE_INFINITY) }).weights!;
    expect(apart(none, tf.fill([2, 2, 3, 3], 1 / 3))).toBeLessThan(1e-6);
  });

  test('a causal query with nothing but padding in sight attends to all keys alike', () => {
    const mask = paddingMask(tf.tensor2d([0, 0, 1, 1, 1, 1], [2, 3], 'int32'));
    const rows = attend({ mask, causal: true }).weights!.arraySync() as number[][][][];
    for (const head of rows[0]!) {
      for (const row of head.slice(0, 2)) for (const w of row) expect(w).toBeCloseTo(1 / 3, 6);
      expect(head[2]).toEqual([0, 0, 1]);
    }
  });

  test('masks of fewer dimensions broadcast; others are refused by name', () => {
    const mask = x(5, 3, 3);
    const whole = attend({ mask: tf.reshape(mask, [1, 1, 3, 3]) });
    expect(apart(attend({ mask }).context, whole.context)).toBe(0);
    const refuse = (options: Partial<AttentionOptions>, code: string, message: RegExp) => {
      expect(() => attend(options)).toThrow(expect.objectContaining({ code }));
      expect(() => attend(options)).toThrow(message);
    };
    refuse({ mask: tf.ones([2, 1, 1, 3], 'bool') }, 'BAD_INPUT', /mask must be float32, not bool/);
    refuse({ mask: x(5, 4, 1, 1, 3) }, 'WRONG_SHAPE', /mask is \[4,1,1,3\].*\[2,2,3,3\]/);
    refuse({ headMask: x(5, 2) }, 'WRONG_SHAPE', /headMask is \[2\]/);
    refuse({ numHeads: 1.5 }, 'WRONG_SHAPE', /1\.5 heads/);
    expect(() => paddingMask(tf.ones([3]))).toThrow(/attentionMask is \[3\]/);
  });

  test('a layer refuses heads that do not divide its size, and a rate that is none', () => {
    const make = (options: object) => () => {
      const w = new Weights();
      return new MultiHeadAttention(
        { query: w, key: w, value: w, output: w },
        { hiddenSize: 4, numHeads: 2, ...options },
      );
    };
    expect(make({ numHeads: 3 })).toThrow(/4 does not divide into 3/);
    expect(make({ dropout: 1.5 })).toThrow(/rate/);
  });
});
