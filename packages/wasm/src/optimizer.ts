import { check, input, type Kernel, sameShape, sizeOf } from './kernel-host.js';

/** Any tensors → float64 Σ x² of each, in the order given, as its bits: int32 [tensors, 2]. */
export const sumOfSquares: Kernel = {
  name: 'MhSumOfSquares',
  run(call) {
    const tensors = Object.keys(call.inputs).map((name) => input(call, 'MhSumOfSquares', name));
    const bits = tensors.flatMap((x) => {
      const sum = call.wasm.sumOfSquares!(call.address(x), sizeOf(x.shape));
      return Array.from(new Int32Array(Float64Array.of(sum).buffer));
    });
    return call.constant(Int32Array.from(bits), [tensors.length, 2]);
  },
};

/**
 * One parameter's AdamW update: parameter, gradient and, after the first update, expAvg and expAvgSq
 * of one shape → the next parameter, expAvg and expAvgSq. In the memory of the old ones, where nothing
 * else holds it: their contents are then gone. `stepSize` and `epsilon` carry the bias corrections,
 * `keep` is what decay leaves, `scale` what clipping leaves of the gradient.
 */
export const adamW: Kernel = {
  name: 'MhAdamW',
  run(call) {
    const names = ['beta1', 'beta2', 'epsilon', 'stepSize', 'keep', 'scale'];
    const numbers = names.map((name) => Number(call.attrs[name]));
    numbers.forEach((value, i) => {
      check(Number.isFinite(value), 'MhAdamW', () => `${names[i]} is ${call.attrs[names[i]!]}`);
    });
    const [beta1, beta2, epsilon, stepSize, keep, scale] = numbers as [
      ...[number, number, number, number, number, number],
    ];
    const parameter = input(call, 'MhAdamW', 'parameter');
    const gradient = input(call, 'MhAdamW', 'gradient');
    const means = ['expAvg', 'expAvgSq'].flatMap((name) =>
      call.inputs[name] ? [input(call, 'MhAdamW', name)] : [],
    );
    check(means.length !== 1, 'MhAdamW', () => 'one of expAvg and expAvgSq is missing');
    for (const tensor of [gradient, ...means])
      check(
        sameShape(tensor.shape, parameter.shape),
        'MhAdamW',
        () => `the parameter is [${parameter.shape}], its gradient or a mean [${tensor.shape}]`,
      );
    const next = [parameter, ...means].map(call.takeOver);
    while (next.length < 3) next.push(call.output(parameter.shape));
    const [p, g] = [call.address(parameter), call.address(gradient)];
    const [m = 0, v = 0] = means.map(call.address);
    const at = [p, g, m, v, ...next.map(call.address)];
    const calls = call
      .parts(sizeOf(parameter.shape), 1.5, 4)
      .map(([from, to]) => [
        ...at.map((address) => address && address + 4 * from),
        ...[to - from, scale, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, stepSize, keep],
      ]);
    call.run('adamW', calls);
    return next;
  },
};
