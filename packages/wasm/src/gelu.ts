import { check, input, type Kernel, sameShape, sizeOf } from './kernel-host.js';

/** x·Φ(x), exact or (`approximate`) through tanh. */
export const gelu: Kernel = {
  name: 'MhGelu',
  run(call) {
    const x = input(call, 'MhGelu', 'x');
    const y = call.output(x.shape);
    call.wasm.gelu!(call.address(x), call.address(y), sizeOf(x.shape), !!call.attrs.approximate);
    return y;
  },
};

/** dy times the slope of GELU at x. */
export const geluGrad: Kernel = {
  name: 'MhGeluGrad',
  run(call) {
    const dy = input(call, 'MhGeluGrad', 'dy');
    const x = input(call, 'MhGeluGrad', 'x');
    check(sameShape(dy.shape, x.shape), 'MhGeluGrad', () => `dy is [${dy.shape}], x [${x.shape}]`);
    const dx = call.output(x.shape);
    const { address, attrs, wasm } = call;
    wasm.geluGrad!(address(dy), address(x), address(dx), sizeOf(x.shape), !!attrs.approximate);
    return dx;
  },
};
