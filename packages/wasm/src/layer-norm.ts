import { check, input, type Kernel, type KernelCall, sameShape, sizeOf } from './kernel-host.js';

/** x, its last axis' length d and how many rows of it there are; what else is given must fit. */
function rowsOf(
  call: KernelCall,
  kernel: string,
  perFeature: string[],
  perRow: string[],
): { rows: number; length: number } {
  const x = input(call, kernel, 'x');
  const length = x.shape.at(-1);
  check(length !== undefined, kernel, () => 'x is a scalar, which has no last axis');
  const rows = sizeOf(x.shape.slice(0, -1));
  for (const [names, shape] of [
    [perFeature, [length]],
    [perRow, [rows]],
  ] as const)
    for (const name of names) {
      const given = input(call, kernel, name).shape;
      check(sameShape(given, shape), kernel, () => `${name} is [${given}], not [${shape}]`);
    }
  return { rows, length };
}

/** x [..., d], gamma [d], beta [d] → y [..., d], mean [rows], rstd [rows]. */
export const layerNorm: Kernel = {
  name: 'MhLayerNorm',
  run(call) {
    const { rows, length } = rowsOf(call, 'MhLayerNorm', ['gamma', 'beta'], []);
    const { x, gamma, beta } = call.inputs;
    const epsilon = Number(call.attrs.epsilon);
    check(epsilon >= 0, 'MhLayerNorm', () => `epsilon is ${call.attrs.epsilon}`);
    const [y, mean, rstd] = [call.output(x!.shape), call.output([rows]), call.output([rows])];
    const at = [x!, gamma!, beta!, y, mean, rstd].map(call.address);
    const steps = [length, 0, 0, length, 1, 1];
    const calls = call.parts(rows, 0.6 * length).map(([from, to]) => {
      return [
        ...at.map((address, i) => address + 4 * from * steps[i]!),
        to - from,
        length,
        epsilon,
      ];
    });
    call.run('layerNorm', calls);
    return [y, mean, rstd];
  },
};

/** dy and x [..., d], gamma [d], mean and rstd [rows] → dx [..., d], dgamma [d], dbeta [d]. */
export const layerNormGrad: Kernel = {
  name: 'MhLayerNormGrad',
  run(call) {
    const { rows, length } = rowsOf(call, 'MhLayerNormGrad', ['gamma'], ['mean', 'rstd']);
    const { x, gamma, mean, rstd } = call.inputs;
    const dy = input(call, 'MhLayerNormGrad', 'dy');
    check(
      sameShape(dy.shape, x!.shape),
      'MhLayerNormGrad',
      () => `dy is [${dy.shape}], x [${x!.shape}]`,
    );
    const outputs = [call.output(x!.shape), call.output([length]), call.output([length])];
    const at = [dy, x!, gamma!, mean!, rstd!, ...outputs].map(call.address);
    call.wasm.layerNormGrad!(...at, rows, length);
    return outputs;
  },
};
