import { expect, test } from '@jest/globals';
import type * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  expectClose,
  keptAt,
  normal,
  onEachVariant,
  randomFrom,
  run,
  type Values,
} from '../test/kernels.js';

const LOWEST = -3.4028234663852886e38;

type Inferred<A> = A extends fc.Arbitrary<infer T> ? T : never;

interface Case {
  batch: number;
  numHeads: number;
  lq: number;
  lk: number;
  dq: number;
  dv: number;
  causal: boolean;
  dropoutRate: number;
  outputWeights: boolean;
  /** Positions of key and value after the ones that count, as in a cache. */
  spare: number;
  headMask: 'none' | 'heads' | 'batch';
  mask: 'none' | 'padding' | 'full' | 'heads' | 'everything';
}

const maskShapes = {
  padding: ({ batch, lk }: Case) => [batch, 1, 1, lk],
  full: ({ batch, numHeads, lq, lk }: Case) => [batch, numHeads, lq, lk],
  heads: ({ numHeads, lk }: Case) => [1, numHeads, 1, lk],
  everything: ({ lq, lk }: Case) => [1, 1, lq, lk],
};

function makeMask(options: Case, random: () => number): Values | undefined {
  if (options.mask === 'none') return undefined;
  const mask = normal(random, maskShapes[options.mask](options));
  mask.values.forEach((_, i) => {
    if (options.mask === 'everything' || random() < 0.4) mask.values[i] = LOWEST;
  });
  return mask;
}

/** Attention and its gradients by their definitions, in float64, indexed by loops. */
function reference(
  options: Case,
  given: Record<'query' | 'key' | 'value' | 'dcontext', Values> &
    Record<'mask' | 'headMask', Values | undefined>,
  scale: number,
  seed: number,
) {
  const { batch, numHeads: heads, lq, lk, dq, dv, causal, dropoutRate, spare } = options;
  const [q, k, v, dc] = [given.query, given.key, given.value, given.dcontext].map((t) => t.values);
  const context = new Float64Array(dc!.length);
  const logSumExp = new Float64Array(batch * heads * lq);
  const weights = new Float64Array(batch * heads * lq * lk);
  const [dquery, dkey, dvalue] = [q!, k!, v!].map(({ length }) => new Float64Array(length));
  const [mb = 1, mh = 1, mq = 1] = given.mask?.shape ?? [];
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < lq; i++) {
        const qAt = (b * lq + i) * heads * dq + h * dq;
        const cAt = (b * lq + i) * heads * dv + h * dv;
        const kAt = (j: number) => (b * (lk + spare) + j) * heads * dq + h * dq;
        const vAt = (j: number) => (b * (lk + spare) + j) * heads * dv + h * dv;
        const row = (b * heads + h) * lq + i;
        const seen = causal ? i + lk - lq + 1 : lk;
        const scores = Array.from({ length: lk }, (_, j) => {
          let sum = 0;
          for (let d = 0; d < dq; d++) sum += q![qAt + d]! * k![kAt(j) + d]!;
          const at = (((mb > 1 ? b : 0) * mh + (mh > 1 ? h : 0)) * mq + (mq > 1 ? i : 0)) * lk + j;
          const added = given.mask?.values[at] ?? 0;
          // What a float32 sum gives: the score vanishes beside the lowest number.
          return added === LOWEST || j >= seen ? LOWEST : sum * scale + added;
        });
        const top = Math.max(...scores);
        const total = scores.reduce((a, s) => a + Math.exp(s - top), 0);
        logSumExp[row] = top + Math.log(total);
        const p = scores.map((s) => Math.exp(s - top) / total);
        const factor =
          given.headMask?.values[given.headMask.shape[0]! > 1 ? b * heads + h : h] ?? 1;
        const kept = p.map((_, j) =>
          keptAt(row * lk + j, seed, dropoutRate) ? factor / (1 - dropoutRate) : 0,
        );
        p.forEach((weight, j) => {
          weights[row * lk + j] = weight * kept[j]!;
        });
        const dp = p.map((weight, j) => {
          let sum = 0;
          for (let d = 0; d < dv; d++) {
            context[cAt + d]! += weight * kept[j]! * v![vAt(j) + d]!;
            dvalue![vAt(j) + d]! += weight * kept[j]! * dc![cAt + d]!;
            sum += dc![cAt + d]! * v![vAt(j) + d]!;
          }
          return sum * kept[j]!;
        });
        const mean = p.reduce((a, weight, j) => a + weight * dp[j]!, 0);
        p.forEach((weight, j) => {
          const ds = weight * (dp[j]! - mean) * scale;
          for (let d = 0; d < dq; d++) {
            dquery![qAt + d]! += ds * k![kAt(j) + d]!;
            dkey![kAt(j) + d]! += ds * q![qAt + d]!;
          }
        });
      }
  return { context, logSumExp, weights, dquery, dkey, dvalue };
}

function verify(options: Case, seed: number): void {
  const { batch, numHeads, lq, lk, dq, dv, outputWeights, spare } = options;
  const random = randomFrom(seed);
  const query = normal(random, [batch, lq, numHeads * dq]);
  const key = normal(random, [batch, lk + spare, numHeads * dq]);
  const value = normal(random, [batch, lk + spare, numHeads * dv]);
  const dcontext = normal(random, [batch, lq, numHeads * dv]);
  const mask = makeMask(options, random);
  const headMask =
    options.headMask === 'none'
      ? undefined
      : normal(random, [options.headMask === 'batch' ? batch : 1, numHeads, 1, 1]);
  const scale = 1 / Math.sqrt(dq);
  const { causal, dropoutRate } = options;
  const of = { numHeads, scale, causal, outputWeights };
  const attrs = { ...of, keyLength: lk, dropoutRate, dropoutSeed: seed };
  const given = { query, key, value, mask, headMask };
  const wanted = reference(options, { ...given, dcontext }, scale, seed);
  const outputs = run('MhAttention', given, attrs);
  const [context, logSumExp, weights] = outputs;
  expect(outputs.map(({ shape }) => shape)).toEqual([
    [batch, lq, numHeads * dv],
    [batch, numHeads, lq],
    ...(outputWeights ? [[batch, numHeads, lq, lk]] : []),
  ]);
  const close = { scale: 1, relative: 1e-5 };
  expectClose(context!.values, wanted.context, close);
  for (const [i, lse] of wanted.logSumExp.entries())
    if (lse > LOWEST) expectClose([logSumExp!.values[i]!], [lse], close);
    else expect(logSumExp!.values[i]).toBeLessThanOrEqual(LOWEST); // a query that saw nothing
  if (outputWeights) expectClose(weights!.values, wanted.weights, close);
  const inputs = { dcontext, ...given, logSumExp: logSumExp! };
  const [dquery, dkey, dvalue] = run('MhAttentionGrad', inputs, attrs);
  const gradients = { scale: 3, relative: 1e-5 };
  expectClose(dquery!.values, wanted.dquery!, gradients);
  expectClose(dkey!.values, wanted.dkey!, gradients);
  expectClose(dvalue!.values, wanted.dvalue!, gradients);
}

onEachVariant(() => {
  const length = (max: number) => fc.integer({ min: 0, max });
  const some = {
    causal: fc.boolean(),
    dropoutRate: fc.constantFrom(0, 0.1, 0.5),
    outputWeights: fc.boolean(),
    mask: fc.constantFrom<Case['mask']>('none', 'padding', 'full', 'heads', 'everything'),
    headMask: fc.constantFrom<Case['headMask']>('none', 'heads', 'batch'),
    spare: fc.constantFrom(0, 0, 3),
  };

  test('forward and gradients equal float64 over random shapes and masks', () => {
    const options = fc.record({
      ...{ batch: length(2), numHeads: fc.integer({ min: 1, max: 3 }) },
      ...{ lq: length(9), lk: length(19), dq: fc.integer({ min: 1, max: 9 }), dv: length(9) },
      ...some,
    });
    fc.assert(fc.property(options, fc.integer(), verify), { numRuns: 200 });
  });

  test('the same across the edges of the tiles', () => {
    const options = fc.record({
      ...{ batch: fc.constant(1), numHeads: fc.constant(2) },
      ...{ lq: fc.constantFrom(1, 3, 65, 130), lk: fc.constantFrom(1, 66, 129, 300) },
      ...{ dq: fc.constantFrom(16, 33), dv: fc.constantFrom(8, 32) },
      ...some,
    });
    fc.assert(fc.property(options, fc.integer(), verify), { numRuns: 20 });
  });

  test('sequences laid end to end are each a batch of one', () => {
    const some = fc.record({
      ...{
        lengths: fc.array(length(70), { maxLength: 5 }),
        numHeads: fc.integer({ min: 1, max: 3 }),
      },
      ...{ dq: fc.integer({ min: 1, max: 17 }), dv: length(17) },
      ...{ causal: fc.boolean(), dropoutRate: fc.constantFrom(0, 0.3), headMask: fc.boolean() },
    });
    const verifyPacked = (options: Inferred<typeof some>, seed: number) => {
      const { lengths, numHeads, dq, dv, headMask: withHeadMask, ...rest } = options;
      const random = randomFrom(seed);
      const total = lengths.reduce((a, b) => a + b, 0);
      const make = (size: number) => normal(random, [1, total, numHeads * size]);
      const packed = { query: make(dq), key: make(dq), value: make(dv), dcontext: make(dv) };
      const headMask = withHeadMask ? normal(random, [1, numHeads, 1, 1]) : undefined;
      const attrs = { numHeads, scale: 1 / Math.sqrt(dq), ...rest };
      const both = (given: typeof packed, attrs: tf.NamedAttrMap) => {
        const { dcontext, ...forward } = { ...given, headMask };
        const [context, logSumExp] = run('MhAttention', forward, attrs);
        const inputs = { dcontext, ...forward, logSumExp: logSumExp! };
        return [context!, ...run('MhAttentionGrad', inputs, attrs)];
      };
      const whole = both(packed, { ...attrs, sequenceLengths: lengths, dropoutSeed: seed });
      let [start, first] = [0, 0];
      for (const length of lengths) {
        const part = ({ shape, values }: Values) => ({
          shape: [1, length, shape[2]!],
          values: values.slice(start * shape[2]!, (start + length) * shape[2]!),
        });
        const given = Object.fromEntries(
          Object.entries(packed).map(([name, values]) => [name, part(values)]),
        ) as typeof packed;
        // Dropout counts on from the sequence before.
        const dropoutSeed = (seed + Math.imul(first, 0x9e3779b1)) | 0;
        const alone = both(given, { ...attrs, dropoutSeed });
        for (const [i, values] of alone.entries())
          expect(part(whole[i]!).values).toEqual(values.values);
        start += length;
        first += numHeads * length * length;
      }
    };
    fc.assert(fc.property(some, fc.integer(), verifyPacked), { numRuns: 50 });
  });

  test('a fully masked query weighs all keys alike, also when the mask is added twice', () => {
    const random = randomFrom(5);
    const [query, key, value] = [
      [1, 1, 4],
      [1, 6, 4],
      [1, 6, 4],
    ].map((s) => normal(random, s, 9));
    const attrs = { numHeads: 1, scale: 1, outputWeights: true };
    for (const masked of [LOWEST, 2 * LOWEST]) {
      const mask = { shape: [1, 1, 1, 6], values: new Float32Array(6).fill(masked) };
      const given = { query: query!, key: key!, value: value!, mask };
      const weights = run('MhAttention', given, attrs)[2]!;
      expectClose(weights.values, new Array(6).fill(1 / 6));
    }
  });

  test('refuses shapes that do not go together', () => {
    const zeros = (...shape: number[]) => normal(() => 0, shape);
    const good = { query: zeros(2, 3, 8), key: zeros(2, 5, 8), value: zeros(2, 5, 4) };
    const attrs = { numHeads: 2, scale: 1 };
    const refused = (inputs: object, message: string, others: object = attrs) =>
      expect(() => run('MhAttention', { ...good, ...inputs }, { ...others })).toThrow(message);
    refused({ key: zeros(1, 5, 8) }, 'do not go together');
    refused({ value: zeros(2, 4, 4) }, 'do not go together');
    refused({ query: zeros(6, 8) }, 'not [batch, length, heads × size]');
    refused({ mask: zeros(2, 1, 1, 4) }, 'the mask is [2,1,1,4], not [2,2,3,5]');
    refused({}, 'do not divide by 3 heads', { numHeads: 3, scale: 1 });
    refused({}, 'scale is undefined', { numHeads: 2 });
    refused({ headMask: zeros(2, 1, 3, 1) }, 'the headMask is [2,1,3,1], not [2,2,1,1]');
    refused({}, 'keyLength is 6, but there are 5 keys', { ...attrs, keyLength: 6 });
    const lengths = { ...attrs, sequenceLengths: [1, 2] };
    const row = { query: zeros(1, 3, 8), key: zeros(1, 3, 8), value: zeros(1, 3, 8) };
    refused({}, 'sequenceLengths [1,2] go with one row', lengths);
    refused({ ...row, mask: zeros(1, 1, 1, 3) }, 'sequenceLengths', lengths);
    refused(row, 'sequenceLengths', { ...lengths, outputWeights: true });
    for (const sequenceLengths of [
      [1, 1],
      [4, -1],
      [1.5, 1.5],
    ])
      refused(row, 'sequenceLengths', { ...attrs, sequenceLengths });
  });
});
