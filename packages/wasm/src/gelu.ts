import { check, input, type Kernel, sameShape, sizeOf } from './kernel-host.js';

/** x·Φ(x), exact or (`approximate`) through tanh. */
export const gelu: Kernel = {
  name: 'MhGelu',
  run(call) {
    const x = input(call, 'MhGelu', 'x');
    const y = call.output(x.shape);
    const at = [x, y].map(call.address);
    const calls = call.parts(sizeOf(x.shape), 2, 4).map(([from, to]) => {
      return [...at.map((address) => address + 4 * from), to - from, !!call.attrs.approximate];
    });
    call.run('gelu', calls);
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
    const at = [dy, x, dx].map(call.address);
    const calls = call.parts(sizeOf(x.shape), 2, 4).map(([from, to]) => {
      return [...at.map((address) => address + 4 * from), to - from, !!call.attrs.approximate];
    });
    call.run('geluGrad', calls);
    return dx;
  },
};
