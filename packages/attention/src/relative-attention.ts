import {
  differentiable,
  dropout as dropoutOp,
  embedding,
  hasKernel,
  isRecording,
  ModelError,
  matMul,
  runKernel,
  softmax,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { counted } from './attention-roads.js';
import { mergeHeads, splitHeads } from './heads.js';
import type { KeyValueCache } from './key-value-cache.js';
import { windowMask } from './masks.js';
import type { AttentionResult } from './scaled-dot-product-attention.js';

export interface RelativeAttentionOptions {
  numHeads: number;
  /**
   * What each distance between query and key is, projected like a key: row d for d steps back,
   * [distances, heads·headSize]. Whatever is farther than the last row counts as that far.
   */
  positions: tf.Tensor;
  /** u, added to each query where it meets a key: [heads, headSize]. */
  contentBias: tf.Tensor;
  /** v, added to each query where it meets a distance: [heads, headSize]; none (Shaw's) by default. */
  positionBias?: tf.Tensor | undefined;
  /** Added to each head's score at a distance: [distances, heads]. */
  distanceBias?: tf.Tensor | undefined;
  /** Each query sees the last `window` keys, its own position's among them; default all before it. */
  window?: number | undefined;
  /** How many of each row's first keys no query sees; default none. */
  hidden?: readonly number[] | undefined;
  /** Default 1/√headSize. */
  scale?: number;
  /** Dropout on the weights. */
  dropout?: { rate: number; seed: number } | undefined;
  /** Multiplies the weights: float32, broadcastable to [batch, heads, query, key]. */
  headMask?: tf.Tensor | undefined;
  /** Give the weights too. */
  outputAttentions?: boolean | undefined;
  /** key and value are appended to this, and the queries attend to all it then holds. */
  cache?: KeyValueCache | undefined;
}

/** Keys and values, of which so many positions count. */
interface Seen {
  key: tf.Tensor;
  value: tf.Tensor;
  keyStart: number;
  keyLength: number;
}

/**
 * Causal attention in which only the distance between query and key counts (Dai et al. 2019, §3.3): with
 * d the steps from query i back to key j, the score is
 *
 *     (qᵢ + u)·kⱼ + (qᵢ + v)·r_d + b_d,   times `scale`.
 *
 * The queries are the last of the keys: query [batch, query, heads·headSize], key [batch, key,
 * heads·headSize], value [batch, key, heads·valueSize], as in `scaledDotProductAttention`.
 *
 * @throws ModelError `WRONG_SHAPE` where these do not fit together, `BAD_INPUT` for a window or count that
 *   is none, `CONTEXT_EXCEEDED` of the cache
 */
export function relativeAttention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: RelativeAttentionOptions,
): AttentionResult {
  checkShapes(query, key, value, options);
  return tf.tidy(() => {
    const seen = seenBy(key, value, options.cache);
    return servedByKernel(query, seen, options)
      ? byKernel(query, seen, options)
      : composed(query, seen, options);
  });
}

function seenBy(key: tf.Tensor, value: tf.Tensor, cache: KeyValueCache | undefined): Seen {
  if (cache === undefined) return { key, value, keyStart: 0, keyLength: key.shape[1]! };
  cache.append(key, value);
  const { keys, values, start, length } = cache;
  return { key: keys, value: values, keyStart: start, keyLength: length };
}

/**
 * The kernel masks whole heads only, differentiates neither weights nor a head mask, and knows no query
 * from which even its own position is hidden.
 */
function servedByKernel(
  query: tf.Tensor,
  { keyLength }: Seen,
  { headMask, outputAttentions, hidden }: RelativeAttentionOptions,
): boolean {
  if (!hasKernel('MhRelativeAttention')) return false;
  const memory = keyLength - query.shape[1]!;
  if (hidden?.some((count) => count > memory)) return false;
  if (isRecording()) return !outputAttentions && headMask === undefined;
  const [queries, keys] = headMask?.shape.slice(-2) ?? [1, 1];
  return headMask === undefined || (headMask.rank === 4 && queries === 1 && keys === 1);
}

/**
 * By the kernel, which needs neither the shifted scores nor a mask in memory, and writes the weights out
 * only when they are asked for. A gradient flows where neither they nor a head mask are.
 */
function byKernel(
  query: tf.Tensor,
  { key, value, keyStart, keyLength }: Seen,
  options: RelativeAttentionOptions,
): { context: tf.Tensor; weights?: tf.Tensor } {
  const { numHeads, positions, contentBias, positionBias, distanceBias, headMask } = options;
  const { window, hidden, outputAttentions = false } = options;
  const { scale = 1 / Math.sqrt(query.shape[2]! / numHeads) } = options;
  const { rate: dropoutRate, seed: dropoutSeed } = options.dropout ?? { rate: 0, seed: 0 };
  const attrs = {
    ...{ numHeads, scale, dropoutRate, dropoutSeed },
    ...(window !== undefined && { window }),
    ...(hidden && { hidden: [...hidden] }),
    ...(key.shape[1] !== keyLength && { keyStart, keyLength }),
  };
  const required = { query, key, value, positions, contentBias };
  if (outputAttentions || headMask !== undefined) {
    const inputs = { ...required, positionBias, distanceBias, headMask };
    const outputs = runKernel('MhRelativeAttention', inputs, {
      ...attrs,
      outputWeights: outputAttentions,
    });
    return { context: outputs[0]!, ...(outputAttentions && { weights: outputs[2]! }) };
  }
  const given: Record<string, tf.Tensor> = {
    ...required,
    ...(positionBias && { positionBias }),
    ...(distanceBias && { distanceBias }),
  };
  const named = (tensors: tf.Tensor[]) =>
    Object.fromEntries(Object.keys(given).map((name, i) => [name, tensors[i]!]));
  const attend = differentiable({
    forward: (...inputs) => {
      const [context, logSumExp] = runKernel('MhRelativeAttention', named(inputs), attrs);
      return { value: context!, saved: [...inputs, logSumExp!] };
    },
    backward: (dcontext, saved) => {
      const inputs = { dcontext, ...named(saved), logSumExp: saved.at(-1)! };
      return runKernel('MhRelativeAttentionGrad', inputs, attrs);
    },
  });
  return { context: attend(...Object.values(given)) };
}

/** Its meaning, in differentiable ops. */
function composed(
  query: tf.Tensor,
  seen: Seen,
  options: RelativeAttentionOptions,
): { context: tf.Tensor; weights?: tf.Tensor } {
  const { numHeads, contentBias, positionBias, dropout, headMask } = options;
  const [batch, queries, width] = query.shape as [number, number, number];
  const { keyLength: keys } = seen;
  const [key, value] = [counted(seen, seen.key), counted(seen, seen.value)];
  const { scale = 1 / Math.sqrt(width / numHeads) } = options;

  const content = splitHeads(tf.add(query, tf.reshape(contentBias, [width])), numHeads);
  const byContent = matMul(content, splitHeads(key, numHeads), { transposeB: true });

  // Positions are one for all rows of the batch: their queries stand below each other.
  const placed = positionBias ? tf.add(query, tf.reshape(positionBias, [width])) : query;
  const perHead = [batch * queries, numHeads, width / numHeads];
  const rows = tf.transpose(tf.reshape(placed, perHead), [1, 0, 2]); // [heads, batch·query, size]
  let byDistance = matMul(rows, positionsOf(options, keys), { transposeB: true });
  const bias = distanceBiasOf(options, keys);
  if (bias) byDistance = tf.add(byDistance, bias);
  const shifted = relativeShift(tf.reshape(byDistance, [numHeads, batch, queries, keys]));

  const scores = tf.mul(tf.add(byContent, tf.transpose(shifted, [1, 0, 2, 3])), scale);
  const masked = tf.add(scores, windowMask(queries, keys, options)); // [batch, heads, query, key]

  let weights = softmax(masked);
  if (dropout !== undefined) weights = dropoutOp(weights, dropout.rate, dropout.seed);
  if (headMask !== undefined) weights = tf.mul(weights, headMask);
  const context = mergeHeads(matMul(weights, splitHeads(value, numHeads)));
  return options.outputAttentions ? { context, weights } : { context };
}

/** For each key, from the farthest to the query's own: how far it is from the last query. */
function distances({ positions }: RelativeAttentionOptions, keys: number): tf.Tensor {
  const last = positions.shape[0]! - 1;
  return tf.tensor1d(
    Int32Array.from({ length: keys }, (_, j) => Math.min(keys - 1 - j, last)),
    'int32',
  );
}

/** r by distance, the farthest first: [heads, keys, headSize]. */
function positionsOf(options: RelativeAttentionOptions, keys: number): tf.Tensor {
  const { positions, numHeads } = options;
  const rows = embedding(positions, distances(options, keys)); // [keys, heads·headSize]
  const size = positions.shape[1]! / numHeads;
  return tf.transpose(tf.reshape(rows, [keys, numHeads, size]), [1, 0, 2]);
}

/** b by distance, the farthest first: [heads, 1, keys]. */
function distanceBiasOf(options: RelativeAttentionOptions, keys: number): tf.Tensor | undefined {
  const { distanceBias, numHeads } = options;
  if (distanceBias === undefined) return undefined;
  const rows = embedding(distanceBias, distances(options, keys)); // [keys, heads]
  return tf.reshape(tf.transpose(rows), [numHeads, 1, keys]);
}

/**
 * Scores by distance (the farthest first) to scores by key, [..., query, keys]: the last query's row
 * stays, and each before it moves one to the left (Dai et al. 2019, appendix B). A column in front and
 * another reading of the same numbers do it. What comes in from the right belongs to keys that the query
 * does not see.
 */
const relativeShift = differentiable({
  forward: (x) => {
    const [queries, keys] = x!.shape.slice(-2) as [number, number];
    const matrices = x!.size / (queries * keys);
    const wider = tf.concat([tf.zeros([matrices, queries, 1]), rowsOf(x!, queries, keys)], 2);
    const turned = tf.reshape(wider, [matrices, keys + 1, queries]);
    const shifted = tf.slice(turned, [0, 1, 0], [matrices, keys, queries]);
    return { value: tf.reshape(shifted, x!.shape), saved: [] };
  },
  backward: (dy) => {
    const [queries, keys] = dy.shape.slice(-2) as [number, number];
    const matrices = dy.size / (queries * keys);
    const turned = tf.concat([tf.zeros([matrices, 1, queries]), rowsOf(dy, keys, queries)], 1);
    const wider = tf.reshape(turned, [matrices, queries, keys + 1]);
    const dx = tf.slice(wider, [0, 0, 1], [matrices, queries, keys]);
    return [tf.reshape(dx, dy.shape)];
  },
});

const rowsOf = (x: tf.Tensor, rows: number, columns: number): tf.Tensor =>
  tf.reshape(x, [x.size / (rows * columns), rows, columns]);

function checkShapes(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: RelativeAttentionOptions,
): void {
  const { numHeads, positions, contentBias, positionBias, distanceBias, window, hidden } = options;
  const [batch, queries, width] = query.shape;
  const bias = `${numHeads},${width! / numHeads}`;
  const fits =
    [query, key, value].every((t) => t.rank === 3 && t.shape[0] === batch) &&
    Number.isInteger(width! / numHeads) &&
    key.shape[2] === width &&
    value.shape[1] === key.shape[1] &&
    value.shape[2]! % numHeads === 0 &&
    key.shape[1]! >= queries! &&
    positions.rank === 2 &&
    positions.shape[0]! > 0 &&
    positions.shape[1] === width &&
    [contentBias, positionBias ?? contentBias].every(({ shape }) => shape.join() === bias) &&
    (distanceBias ?? { shape: [positions.shape[0], numHeads] }).shape.join() ===
      `${positions.shape[0]},${numHeads}`;
  if (!fits) {
    throw new ModelError(
      'WRONG_SHAPE',
      `Relative attention with ${numHeads} heads cannot take query [${query.shape}], key [${key.shape}], value [${value.shape}], positions [${positions.shape}], contentBias [${contentBias.shape}], positionBias [${positionBias?.shape ?? ''}] and distanceBias [${distanceBias?.shape ?? ''}]; ` +
        'the first three are [batch, length, heads·size], with at least as many keys as queries, positions [distances, heads·headSize], the biases [heads, headSize] and [distances, heads].',
    );
  }
  const isCount = (n: number, least: number) => Number.isSafeInteger(n) && n >= least;
  if (window !== undefined && !isCount(window, 1)) {
    throw new ModelError('BAD_INPUT', `window is how many keys a query sees, not ${window}.`);
  }
  if (hidden && (hidden.length !== batch || !hidden.every((n) => isCount(n, 0)))) {
    throw new ModelError(
      'BAD_INPUT',
      `hidden says of each of ${batch} rows how many keys are not seen, not [${hidden}].`,
    );
  }
}
