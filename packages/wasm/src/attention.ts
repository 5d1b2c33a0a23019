import type { TensorInfo } from '@tensorflow/tfjs-core';
import { heldKeys } from './cache.js';
import { dropoutArguments } from './dropout.js';
import { broadcast, check, input, type Kernel, type KernelCall, sameShape } from './kernel-host.js';

/** Nanoseconds that a multiplication and its addition take, with the softmax between. */
const PER_MULTIPLICATION = 0.07;

/** Where in a tensor something of this shape lies: from `offset` on, each position `step` floats on. */
interface View {
  tensor: TensorInfo;
  shape: [batch: number, length: number, width: number];
  offset: number;
  step: number;
}

/** Query, key and value. */
function views(call: KernelCall, kernel: string): [View, View, View] {
  const whole = (name: string): View => {
    const tensor = input(call, kernel, name);
    check(
      tensor.shape.length === 3,
      kernel,
      () => `${name} [${tensor.shape}] is not [batch, length, heads × size]`,
    );
    const shape = tensor.shape as View['shape'];
    const start = name === 'query' ? 0 : Number(call.attrs.keyStart ?? 0);
    return { tensor, shape, offset: start * shape[2], step: shape[2] };
  };
  const query = whole('query');
  if (!call.attrs.sideBySide) return [query, whole('key'), whole('value')];
  const [batch, length, width] = query.shape;
  check(
    width % 3 === 0,
    kernel,
    () => `query [${query.shape}] is not query, key and value side by side`,
  );
  const part = (i: number): View => {
    return { ...query, shape: [batch, length, width / 3], offset: (i * width) / 3 };
  };
  const cached = call.inputs.key !== undefined;
  return [part(0), cached ? whole('key') : part(1), cached ? whole('value') : part(2)];
}

/** The inputs of a call, checked, and what both directions make of them. */
function read(call: KernelCall, kernel: string) {
  const { attrs } = call;
  const [query, key, value] = views(call, kernel);
  const shapes = () => `query [${query.shape}], key [${key.shape}], value [${value.shape}]`;
  const heads = Number(attrs.numHeads);
  const [batch, lq, qWidth] = query.shape;
  const [keyBatch, room, kWidth] = key.shape;
  const vWidth = value.shape[2];
  check(
    keyBatch === batch && kWidth === qWidth && sameShape(value.shape, [batch, room, vWidth]),
    kernel,
    () => `${shapes()} do not go together`,
  );
  check(
    Number.isInteger(heads) && heads > 0 && qWidth % heads === 0 && vWidth % heads === 0,
    kernel,
    () => `${shapes()} do not divide by ${attrs.numHeads} heads`,
  );
  const { length: lk } = heldKeys(call, kernel, room);
  const scale = Number(attrs.scale);
  check(Number.isFinite(scale), kernel, () => `scale is ${attrs.scale}`);
  const full = [batch, heads, lq, lk];
  const mask = broadcast(call, kernel, 'mask', full, 3);
  const headMask = broadcast(call, kernel, 'headMask', [batch, heads, 1, 1], 2);
  const [seed, ...keep] = dropoutArguments(call, kernel, 'dropoutRate', 'dropoutSeed');

  const lengths = attrs.sequenceLengths as readonly number[] | undefined;
  const endToEnd = () =>
    [batch, room, lk].join() === [1, lq, lq].join() &&
    !(mask.tensor || attrs.outputWeights) &&
    lengths!.every((length) => Number.isInteger(length) && length >= 0) &&
    lengths!.reduce((a, b) => a + b, 0) === lq;
  check(
    lengths === undefined || endToEnd(),
    kernel,
    () =>
      `sequenceLengths [${lengths}] go with one row of so many queries and keys, without a mask ` +
      `and weights, not ${shapes()}`,
  );
  return {
    views: [query, key, value] as const,
    outputShapes: { context: [batch, lq, vWidth], logSumExp: [batch, heads, lq], weights: full },
    calls: lengths
      ? sequences(lengths, heads, seed)
      : call
          .parts(batch * heads, lq * lk * ((qWidth + vWidth) / heads) * PER_MULTIPLICATION)
          .map((range) => ({ start: 0, seed, sizes: [...range, heads, lq, lk, room] })),
    longest: lengths ? [Math.max(0, ...lengths), Math.max(0, ...lengths)] : [lq, lk],
    sizes: [qWidth / heads, vWidth / heads],
    steps: { context: vWidth, sum: heads },
    maskArguments: () => [...mask.arguments(), ...headMask.arguments()],
    scaling: [scale, !!attrs.causal] as const,
    keep,
  };
}

/**
 * Sequences laid end to end are batches of one, each further on in the tensors. The weights of each
 * have numbers of their own for dropout: skipping `first` numbers is another seed of its Weyl sequence.
 */
function sequences(lengths: readonly number[], heads: number, seed: number) {
  let [start, first] = [0, 0];
  return lengths.map((length) => {
    const sizes = [0, heads, heads, length, length, length];
    const call = { start, seed: (seed + Math.imul(first, 0x9e3779b1)) | 0, sizes };
    start += length;
    first = (first + Math.imul(heads, length * length)) | 0;
    return call;
  });
}

/**
 * softmax(query·keyᵀ·scale + mask)·value for each head: query [b, lq, h·dq], key [b, lk, h·dq], value
 * [b, lk, h·dv] and an optional mask [b|1, h|1, lq|1, lk] → context [b, lq, h·dv], logSumExp [b, h, lq]
 * and with `outputWeights` the weights as they multiply the values, [b, h, lq, lk].
 *
 * With `causal` query i sees the keys j ≤ i + lk − lq; one that sees none, or only such as the mask
 * hides, attends to all keys alike. `headMask` [b|1, h|1, 1, 1] multiplies the weights. With `keyStart`
 * and `keyLength` key and value (a cache) are longer than that, and only so many from there on count. With `sequenceLengths` b is 1,
 * and the row is so many sequences laid end to end, each of which sees itself. With `sideBySide` query is
 * [b, lq, 3·h·dq], query, key and value one beside the other; key and value may still be a cache's.
 */
export const attention: Kernel = {
  name: 'MhAttention',
  run(call) {
    const given = read(call, 'MhAttention');
    const { steps, outputShapes } = given;
    const outputs = [call.output(outputShapes.context), call.output(outputShapes.logSumExp)];
    if (call.attrs.outputWeights) outputs.push(call.output(outputShapes.weights));
    const [lq, lk] = given.longest;
    const room = call.wasm.attentionScratch!(lq!, lk!, ...given.sizes);
    const scratch = call.scratch(room * given.calls.length);
    const weights = outputs[2] ? call.address(outputs[2]) : 0;
    const places = [
      ...given.views,
      place(outputs[0]!, steps.context),
      place(outputs[1]!, steps.sum),
    ];
    const at = addresses(call, places);
    const strides = given.views.map(({ step }) => step);
    const calls = given.calls.map(({ start, seed, sizes }, i) => [
      ...[...at(start), weights, ...given.maskArguments(), ...sizes, ...given.sizes, ...strides],
      ...[...given.scaling, seed, ...given.keep, scratch + 4 * room * i],
    ]);
    call.run('attention', calls);
    return outputs;
  },
};

/**
 * dcontext [b, lq, h·dv], the forward's inputs, attrs and logSumExp → dquery, dkey, dvalue; with
 * `sideBySide` these are one tensor, as query is.
 */
export const attentionGrad: Kernel = {
  name: 'MhAttentionGrad',
  run(call) {
    const given = read(call, 'MhAttentionGrad');
    const { steps, outputShapes } = given;
    const dcontext = input(call, 'MhAttentionGrad', 'dcontext');
    const logSumExp = input(call, 'MhAttentionGrad', 'logSumExp');
    for (const [tensor, shape] of [
      [dcontext, outputShapes.context],
      [logSumExp, outputShapes.logSumExp],
    ] as const)
      check(
        sameShape(tensor.shape, shape),
        'MhAttentionGrad',
        () => `dcontext or logSumExp is [${tensor.shape}], not [${shape}]`,
      );
    // Query, key and value in one tensor have their gradients in one.
    const { sideBySide } = call.attrs;
    check(
      !(sideBySide && call.inputs.key),
      'MhAttentionGrad',
      () => 'sideBySide has no gradient with the keys of a cache',
    );
    const whole = sideBySide ? call.output(given.views[0].tensor.shape) : undefined;
    const gradients = given.views.map((view) => ({
      ...view,
      tensor: whole ?? call.output(view.shape),
    }));
    const [lq, lk] = given.longest;
    const room = call.wasm.attentionGradScratch!(lq!, lk!, ...given.sizes);
    const scratch = call.scratch(room * given.calls.length);
    const at = addresses(call, [
      ...[place(dcontext, steps.context), ...given.views, place(logSumExp, steps.sum)],
      ...gradients,
    ]);
    const strides = given.views.map(({ step }) => step);
    const calls = given.calls.map(({ start, seed, sizes }, i) => [
      ...[...at(start), ...given.maskArguments(), ...sizes, ...given.sizes, ...strides],
      ...[...given.scaling, seed, ...given.keep, scratch + 4 * room * i],
    ]);
    call.run('attentionGrad', calls);
    return whole ?? gradients.map(({ tensor }) => tensor);
  },
};

const place = (tensor: TensorInfo, step: number) => ({ tensor, step, offset: 0 });

/** Where position `start` of each is. */
function addresses(call: KernelCall, places: Omit<View, 'shape'>[]) {
  const bases = places.map(({ tensor, offset }) => call.address(tensor) + 4 * offset);
  return (start: number) => bases.map((base, i) => base + 4 * start * places[i]!.step);
}
