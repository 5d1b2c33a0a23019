import { dropoutArguments } from './dropout.js';
import { check, input, type Kernel, type KernelCall, sameShape } from './kernel-host.js';

/** The lengths of a call, checked, and the arguments that both directions share. */
function read(call: KernelCall, kernel: string) {
  const [query, key, value] = ['query', 'key', 'value'].map((name) => input(call, kernel, name));
  const shapes = () => `query [${query!.shape}], key [${key!.shape}], value [${value!.shape}]`;
  const heads = Number(call.attrs.numHeads);
  check(
    [query, key, value].every((tensor) => tensor!.shape.length === 3),
    kernel,
    () => `${shapes()}: not [batch, length, heads × size]`,
  );
  const [batch, lq, qWidth] = query!.shape as [number, number, number];
  const [keyBatch, lk, kWidth] = key!.shape as [number, number, number];
  const vWidth = value!.shape[2]!;
  check(
    keyBatch === batch && kWidth === qWidth && sameShape(value!.shape, [batch, lk, vWidth]),
    kernel,
    () => `${shapes()} do not go together`,
  );
  check(
    Number.isInteger(heads) && heads > 0 && qWidth % heads === 0 && vWidth % heads === 0,
    kernel,
    () => `${shapes()} do not divide by ${call.attrs.numHeads} heads`,
  );
  const mask = call.inputs.mask && input(call, kernel, 'mask');
  const full = [batch, heads, lq, lk];
  check(
    mask === undefined ||
      (mask.shape.length === 4 &&
        mask.shape.every((n, axis) => n === full[axis] || (n === 1 && axis < 3))),
    kernel,
    () => `the mask is [${mask?.shape}], not [${full}] with 1 for a broadcast axis`,
  );
  // Of each leading axis of the mask, how many floats on its next entry is.
  const [, ofHeads = 1, ofQueries = 1] = mask?.shape ?? [];
  const strides = [ofHeads * ofQueries * lk, ofQueries * lk, lk];
  const maskStrides = strides.map((stride, axis) => (mask && mask.shape[axis] !== 1 ? stride : 0));
  const scale = Number(call.attrs.scale);
  check(Number.isFinite(scale), kernel, () => `scale is ${call.attrs.scale}`);
  const [dq, dv] = [qWidth / heads, vWidth / heads];
  return {
    tensors: [query!, key!, value!],
    outputShapes: { context: [batch, lq, vWidth], logSumExp: [batch, heads, lq], weights: full },
    lengths: [lq, lk, dq, dv] as const,
    maskArguments: () => [mask ? call.address(mask) : 0, ...maskStrides],
    rest: [
      ...[batch, heads, lq, lk, dq, dv, scale, !!call.attrs.causal],
      ...dropoutArguments(call, kernel, 'dropoutRate', 'dropoutSeed'),
    ],
  };
}

/**
 * softmax(query·keyᵀ·scale + mask)·value for each head: query [b, lq, h·dq], key [b, lk, h·dq], value
 * [b, lk, h·dv] and an optional mask [b|1, h|1, lq|1, lk] → context [b, lq, h·dv], logSumExp [b, h, lq]
 * and with `outputWeights` the weights before dropout, [b, h, lq, lk]. With `causal` query i sees the
 * keys j ≤ i + lk − lq; a query that sees none has a context of zeros.
 */
export const attention: Kernel = {
  name: 'MhAttention',
  run(call) {
    const { tensors, outputShapes, lengths, maskArguments, rest } = read(call, 'MhAttention');
    const outputs = [call.output(outputShapes.context), call.output(outputShapes.logSumExp)];
    if (call.attrs.outputWeights) outputs.push(call.output(outputShapes.weights));
    const scratch = call.scratch(call.wasm.attentionScratch!(...lengths));
    const at = [...tensors, ...outputs].map(call.address);
    if (!call.attrs.outputWeights) at.push(0);
    call.wasm.attention!(...at, ...maskArguments(), ...rest, scratch);
    return outputs;
  },
};

/** dcontext [b, lq, h·dv], the forward's inputs, attrs and logSumExp → dquery, dkey, dvalue. */
export const attentionGrad: Kernel = {
  name: 'MhAttentionGrad',
  run(call) {
    const { tensors, outputShapes, lengths, maskArguments, rest } = read(call, 'MhAttentionGrad');
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
    const outputs = tensors.map(({ shape }) => call.output(shape));
    const scratch = call.scratch(call.wasm.attentionGradScratch!(...lengths));
    const at = [dcontext, ...tensors, logSumExp, ...outputs].map(call.address);
    call.wasm.attentionGrad!(...at, ...maskArguments(), ...rest, scratch);
    return outputs;
  },
};
