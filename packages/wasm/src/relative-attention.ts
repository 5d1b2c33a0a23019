import type { TensorInfo } from '@tensorflow/tfjs-core';
import { heldKeys } from './cache.js';
import { dropoutArguments } from './dropout.js';
import { broadcast, check, input, type Kernel, type KernelCall, sameShape } from './kernel-host.js';

/** Nanoseconds that a multiplication and its addition take, with the softmax between. */
const PER_MULTIPLICATION = 0.07;

/** The inputs of a call, checked, and what both directions make of them. */
function read(call: KernelCall, kernel: string) {
  const { attrs, inputs } = call;
  const required = (name: string) => input(call, kernel, name);
  const optional = (name: string) => (inputs[name] ? required(name) : undefined);
  const [query, key, value] = [required('query'), required('key'), required('value')];
  const [positions, contentBias] = [required('positions'), required('contentBias')];
  const [positionBias, distanceBias] = [optional('positionBias'), optional('distanceBias')];
  const heads = Number(attrs.numHeads);
  const [batch, lq, qWidth] = query.shape as [number, number, number];
  const [, room = 0, vWidth] = value.shape as [number, number, number];
  const { start, length: lk } = heldKeys(call, kernel, room);
  const distances = positions.shape[0]!;
  const biasShape = [heads, qWidth / heads];
  check(
    query.shape.length === 3 &&
      sameShape(key.shape, [batch, room, qWidth]) &&
      sameShape(value.shape, [batch, room, vWidth]) &&
      lk >= lq &&
      Number.isInteger(heads) &&
      heads > 0 &&
      qWidth % heads === 0 &&
      vWidth % heads === 0 &&
      distances > 0 &&
      sameShape(positions.shape, [distances, qWidth]) &&
      [contentBias, positionBias].every((bias) => !bias || sameShape(bias.shape, biasShape)) &&
      (!distanceBias || sameShape(distanceBias.shape, [distances, heads])),
    kernel,
    () =>
      `query [${query.shape}], key [${key.shape}], value [${value.shape}], positions [${positions.shape}], ` +
      `contentBias [${contentBias.shape}], positionBias [${positionBias?.shape}] and distanceBias ` +
      `[${distanceBias?.shape}] do not go together with ${attrs.numHeads} heads`,
  );
  const scale = Number(attrs.scale);
  check(Number.isFinite(scale), kernel, () => `scale is ${attrs.scale}`);
  const window = Number(attrs.window ?? lk);
  check(Number.isInteger(window) && window > 0, kernel, () => `window is ${attrs.window}`);
  const hidden = (attrs.hidden as number[] | undefined) ?? new Array<number>(batch).fill(0);
  check(
    hidden.length === batch && hidden.every((n) => Number.isInteger(n) && n >= 0 && n <= lk - lq),
    kernel,
    () => `hidden is [${hidden}], not for each of ${batch} rows at most ${lk - lq} keys`,
  );
  return {
    tensors: { query, key, value, positions, contentBias, positionBias, distanceBias },
    hidden: call.constant(Int32Array.from(hidden), [batch]),
    sizes: [lq, lk, qWidth / heads, vWidth / heads] as const,
    /** Where keys and values begin, and for how many positions they have room. */
    ...{ start, room },
    shape: { batch, heads, distances, context: [batch, lq, vWidth], sum: [batch, heads, lq] },
    /** What a head of one row of the batch costs, in nanoseconds. */
    work: lq * lk * ((2 * qWidth + vWidth) / heads) * PER_MULTIPLICATION,
    settings: [
      ...[scale, Math.min(window, lk)],
      ...dropoutArguments(call, kernel, 'dropoutRate', 'dropoutSeed'),
    ],
  };
}

/**
 * Causal attention by content and distance: query [b, lq, h·dq], key [b, lk, h·dq], value [b, lk, h·dv],
 * positions [distances, h·dq], contentBias [h, dq] and, where given, positionBias [h, dq] and distanceBias
 * [distances, h] → context [b, lq, h·dv], logSumExp [b, h, lq] and with `outputWeights` the weights as they
 * multiply the values, [b, h, lq, lk].
 *
 * With d = i + lk − lq − j, query i scores key j ≤ i + lk − lq by ((qᵢ + contentBias)·kⱼ +
 * (qᵢ + positionBias)·positions[d] + distanceBias[d])·scale, d counting at most as the last row. It sees
 * the last `window` of these keys (default all), and none of the first `hidden[b]`, which are at most
 * lk − lq. `headMask` [b|1, h|1, 1, 1] multiplies the weights. With `keyStart` and `keyLength` key and
 * value (a cache) are longer than lk, and only so many from there on count.
 */
export const relativeAttention: Kernel = {
  name: 'MhRelativeAttention',
  run(call) {
    const given = read(call, 'MhRelativeAttention');
    const { batch, heads, distances, context, sum } = given.shape;
    const headMask = broadcast(call, 'MhRelativeAttention', 'headMask', [batch, heads, 1, 1], 2);
    const outputs = [call.output(context), call.output(sum)];
    const [lq, lk, ...widths] = given.sizes;
    if (call.attrs.outputWeights) outputs.push(call.output([batch, heads, lq, lk]));
    const room = call.wasm.relativeAttentionScratch!(...given.sizes);
    const parts = call.parts(batch * heads, given.work);
    const scratch = call.scratch(room * parts.length);
    const [query, key, value, ...others] = Object.values(given.tensors);
    const from = (tensor: TensorInfo) => call.address(tensor) + 4 * given.start * tensor.shape[2]!;
    const addresses = [
      ...[call.address(query!), from(key!), from(value!)],
      ...[...others, given.hidden, outputs[0], outputs[1], outputs[2]].map(orZero(call)),
    ];
    const rest = [batch, heads, lq, lk, given.room, ...widths, distances, ...given.settings];
    call.run(
      'relativeAttention',
      parts.map((range, i) => [
        ...[...addresses, ...headMask.arguments(), ...range, ...rest],
        scratch + 4 * room * i,
      ]),
    );
    return outputs;
  },
};

/**
 * dcontext [b, lq, h·dv], the forward's inputs (no headMask), attrs and logSumExp → dquery, dkey, dvalue,
 * dpositions, dcontentBias and, where they are given, dpositionBias and ddistanceBias.
 */
export const relativeAttentionGrad: Kernel = {
  name: 'MhRelativeAttentionGrad',
  run(call) {
    const kernel = 'MhRelativeAttentionGrad';
    const given = read(call, kernel);
    check(given.sizes[1] === given.room, kernel, () => 'part of the keys has no gradient');
    const { batch, heads, distances, context, sum } = given.shape;
    const [dcontext, logSumExp] = [
      input(call, kernel, 'dcontext'),
      input(call, kernel, 'logSumExp'),
    ];
    check(
      sameShape(dcontext.shape, context) && sameShape(logSumExp.shape, sum),
      kernel,
      () =>
        `dcontext [${dcontext.shape}] and logSumExp [${logSumExp.shape}] are not [${context}] and [${sum}]`,
    );
    const tensors = Object.values(given.tensors);
    const gradients = tensors.map((tensor) => tensor && call.output(tensor.shape));
    const room = call.wasm.relativeAttentionGradScratch!(...given.sizes);
    // Heads are not divided: positions and biases sum over the rows of a batch.
    const parts = call.parts(heads, batch * given.work);
    const scratch = call.scratch(room * parts.length);
    const addresses = [dcontext, ...tensors, given.hidden, logSumExp, ...gradients].map(
      orZero(call),
    );
    const rest = [batch, heads, ...given.sizes, distances, ...given.settings];
    call.run(
      'relativeAttentionGrad',
      parts.map((range, i) => [...addresses, ...range, ...rest, scratch + 4 * room * i]),
    );
    return gradients.filter((tensor) => tensor !== undefined);
  },
};

/** Where a tensor is; 0 where there is none. */
const orZero = (call: KernelCall) => (tensor: TensorInfo | undefined) =>
  tensor ? call.address(tensor) : 0;
