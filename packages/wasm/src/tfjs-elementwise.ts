import { type Kernel, sameShape, sizeOf } from './kernel-host.js';

/** tfjs's own is a scalar loop of 30 to 45 ns an element; `code` is assembly/unary.ts's. */
function unary(name: string, code: number): Kernel {
  return {
    name,
    run(call) {
      const x = call.inputs.x!;
      if (x.dtype !== 'float32') return call.stock(name, { x });
      const y = call.output(x.shape);
      const at = [x, y].map(call.address);
      const calls = call.parts(sizeOf(x.shape), 1, 4).map(([from, to]) => {
        return [...at.map((address) => address + 4 * from), to - from, code];
      });
      call.run('unary', calls);
      return y;
    },
  };
}

export const exp: Kernel = unary('Exp', 1);
export const tanh: Kernel = unary('Tanh', 2);
export const erf: Kernel = unary('Erf', 3);

/** Float32 tensors of one shape: residuals, and gradients that tfjs adds up. */
export const add: Kernel = {
  name: 'Add',
  run(call) {
    const [a, b] = [call.inputs.a!, call.inputs.b!];
    const plain = a.dtype === 'float32' && b.dtype === 'float32' && sameShape(a.shape, b.shape);
    if (!plain) return call.stock('Add', { a, b });
    const y = call.output(a.shape);
    const at = [a, b, y].map(call.address);
    const calls = call.parts(sizeOf(a.shape), 0.3, 4).map(([from, to]) => {
      return [...at.map((address) => address + 4 * from), to - from];
    });
    call.run('sum', calls);
    return y;
  },
};
