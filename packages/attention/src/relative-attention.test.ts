import { beforeAll, describe, expect, test } from '@jest/globals';
import { dropoutMask, Random, valueAndGradients, Weights } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { type RelativeAttentionOptions, relativeAttention } from './index.js';

const sizes = { batch: 2, queries: 3, keys: 7, heads: 2, size: 4, valueSize: 3 };
const { batch, queries, keys, heads, size, valueSize } = sizes;

function drawn(name: string, ...shape: number[]): tf.Tensor {
  const random = new Random(11, name);
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal());
  return tf.tensor(values, shape);
}

const inputs = (distances = keys) => ({
  query: drawn('query', batch, queries, heads * size),
  key: drawn('key', batch, keys, heads * size),
  value: drawn('value', batch, keys, heads * valueSize),
  positions: drawn('positions', distances, heads * size),
  contentBias: drawn('u', heads, size),
  positionBias: drawn('v', heads, size),
  distanceBias: drawn('b', distances, heads),
});
type Inputs = ReturnType<typeof inputs>;

/** The formula, pair by pair (Dai et al. 2019, §3.3). */
function byHand(given: Inputs, options: Partial<RelativeAttentionOptions>) {
  const [q, k, v, r, u, w, b] = Object.values(given).map((t) => t.dataSync()) as Float32Array[];
  const distances = given.positions.shape[0]!;
  const { window = keys, hidden = [0, 0] } = options;
  const context = new Float32Array(batch * queries * heads * valueSize);
  const weights = new Float32Array(batch * heads * queries * keys);
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const own = keys - queries + i;
        const scores = Array.from({ length: keys }, (_, j) => {
          if (j > own || j <= own - window || j < hidden[n]!) return Number.NEGATIVE_INFINITY;
          const d = Math.min(own - j, distances - 1);
          let score = options.distanceBias ? b![d * heads + h]! : 0;
          for (let c = 0; c < size; c++) {
            const at = h * size + c;
            const query = q![(n * queries + i) * heads * size + at]!;
            score += (query + u![at]!) * k![(n * keys + j) * heads * size + at]!;
            const placed = query + (options.positionBias ? w![at]! : 0);
            score += placed * r![d * heads * size + at]!;
          }
          return score * (options.scale ?? 0.5);
        });
        const most = Math.max(...scores);
        const sum = scores.reduce((a, s) => a + Math.exp(s - most), 0);
        scores.forEach((score, j) => {
          const weight = Math.exp(score - most) / sum;
          weights[((n * heads + h) * queries + i) * keys + j] = weight;
          for (let c = 0; c < valueSize; c++) {
            const at = h * valueSize + c;
            context[(n * queries + i) * heads * valueSize + at]! +=
              weight * v![(n * keys + j) * heads * valueSize + at]!;
          }
        });
      }
    }
  }
  return { context, weights };
}

const apart = (a: tf.Tensor, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a.dataSync(), (v, i) => Math.abs(v - b[i]!)));

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => void (await tf.setBackend(backend)));

  const attend = (given: Inputs, options: Partial<RelativeAttentionOptions>) => {
    const { query, key, value, positions, contentBias } = given;
    const all = { numHeads: heads, positions, contentBias, ...options };
    return relativeAttention(query, key, value, all);
  };
  /** With or without v and b. */
  const cases: [string, number, (given: Inputs) => Partial<RelativeAttentionOptions>][] = [
    ['u and v (Transformer-XL)', keys, ({ positionBias }) => ({ positionBias })],
    ['u and b (Shaw)', keys, ({ distanceBias }) => ({ distanceBias })],
    ['u, v and b, another scale', keys, (given) => ({ ...terms(given), scale: 0.3 })],
    ['distances beyond the last row', 4, terms],
    ['one row for all distances', 1, terms],
    ['more distances than keys', 9, terms],
    ['a window', keys, (given) => ({ ...terms(given), window: 3 })],
    ['a window of one key', keys, (given) => ({ ...terms(given), window: 1 })],
    ['hidden keys, row by row', keys, (given) => ({ ...terms(given), hidden: [0, 3] })],
    ['window and hidden keys', 5, (given) => ({ ...terms(given), window: 4, hidden: [4, 1] })],
  ];

  test.each(cases)('context and weights are the formula’s: %s', (_, distances, optionsOf) => {
    const given = inputs(distances);
    const options = optionsOf(given);
    const { context, weights } = attend(given, { ...options, outputAttentions: true });
    const expected = byHand(given, options);
    expect(context.shape).toEqual([batch, queries, heads * valueSize]);
    expect(weights!.shape).toEqual([batch, heads, queries, keys]);
    expect(apart(context, expected.context)).toBeLessThan(1e-5);
    expect(apart(weights!, expected.weights)).toBeLessThan(1e-5);
  });

  test('gradients agree with finite differences', () => {
    const given = inputs(5);
    const weights = new Weights({ tensors: new Map(Object.entries(given)) });
    const parameters = Object.entries(given).map(([name, { shape }]) =>
      weights.parameter(name, shape, () => {}),
    );
    const cotangent = drawn('cotangent', batch, queries, heads * valueSize);
    const scalar = () => {
      const now = Object.fromEntries(
        parameters.map(({ path, value }) => [path, value]),
      ) as unknown as Inputs;
      const options = { ...terms(now), window: 6, hidden: [0, 2] };
      return tf.sum(tf.mul(attend(now, options).context, cotangent));
    };
    const { value, gradients } = valueAndGradients(weights, scalar);
    expect(gradients.size).toBe(parameters.length);
    for (const parameter of parameters) {
      const gradient = gradients.get(parameter.path)!.dataSync();
      const direction = drawn(`along ${parameter.path}`, ...parameter.shape);
      const original = tf.clone(parameter.value);
      const at = (step: number) => {
        parameter.assign(tf.add(original, tf.mul(direction, step)));
        return tf.tidy(() => scalar().dataSync()[0]!);
      };
      const slope = (at(1e-3) - at(-1e-3)) / 2e-3;
      parameter.assign(original);
      const along = Array.from(direction.dataSync()).reduce(
        (sum, d, i) => sum + d * gradient[i]!,
        0,
      );
      expect(Math.abs(slope - along)).toBeLessThan(0.01 * Math.abs(along) + 5e-3);
    }
    tf.dispose([value, ...gradients.values()]);
    weights.dispose();
  });

  test('dropout multiplies the weights by the mask of its seed, a head mask the heads', () => {
    const given = inputs();
    const options = { ...terms(given), outputAttentions: true };
    const { weights } = attend(given, options);
    const dropped = attend(given, { ...options, dropout: { rate: 0.4, seed: 7 } }).weights!;
    const mask = dropoutMask(weights!.shape, 0.4, 7);
    expect(apart(dropped, tf.mul(weights!, mask).dataSync())).toBeLessThan(1e-6);
    const headMask = tf.tensor([1, 0.25], [1, heads, 1, 1]);
    const masked = attend(given, { ...options, headMask }).weights!;
    expect(apart(masked, tf.mul(weights!, headMask).dataSync())).toBeLessThan(1e-6);
  });

  test('only the results are left', () => {
    const given = inputs();
    const before = tf.memory().numTensors;
    const { context, weights } = attend(given, { ...terms(given), outputAttentions: true });
    expect(tf.memory().numTensors).toBe(before + 2);
    tf.dispose([context, weights!]);
  });

  test('what does not fit is refused', () => {
    const given = inputs();
    const refuse = (change: Partial<Inputs>, options: object, code: string) =>
      expect(() => attend({ ...given, ...change }, options)).toThrow(
        expect.objectContaining({ code }),
      );
    refuse({ key: tf.zeros([batch, 2, heads * size]) }, {}, 'WRONG_SHAPE'); // fewer than queries
    refuse({ value: tf.zeros([batch, 6, heads * valueSize]) }, {}, 'WRONG_SHAPE');
    refuse({ positions: tf.zeros([keys, size]) }, {}, 'WRONG_SHAPE');
    refuse({ contentBias: tf.zeros([size, heads]) }, {}, 'WRONG_SHAPE');
    refuse({}, { distanceBias: tf.zeros([heads, keys]) }, 'WRONG_SHAPE');
    refuse({}, { window: 0 }, 'BAD_INPUT');
    refuse({}, { hidden: [1] }, 'BAD_INPUT');
    refuse({}, { hidden: [1, -1] }, 'BAD_INPUT');
  });
});

function terms({ positionBias, distanceBias }: Inputs): Partial<RelativeAttentionOptions> {
  return { positionBias, distanceBias };
}
