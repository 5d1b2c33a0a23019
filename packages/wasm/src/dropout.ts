import { check, input, type Kernel, type KernelCall, sizeOf } from './kernel-host.js';

/** What assembly/dropout.ts asks for: seed, ⌊rate·2²⁴⌋ and 1 / (1 − rate). */
export function dropoutArguments(
  { attrs }: KernelCall,
  kernel: string,
  rateName: string,
  seedName: string,
): [seed: number, threshold: number, scale: number] {
  const rate = Number(attrs[rateName] ?? 0);
  check(rate >= 0 && rate <= 1, kernel, () => `${rateName} is ${attrs[rateName]}, not 0 to 1`);
  const seed = Number(attrs[seedName] ?? 0);
  check(Number.isInteger(seed), kernel, () => `${seedName} is ${attrs[seedName]}, not an int32`);
  return [seed, Math.floor(rate * 2 ** 24), rate === 1 ? 0 : 1 / (1 - rate)];
}

/**
 * x → x / (1 − rate) where hash(seed, i) >>> 8 ≥ ⌊rate·2²⁴⌋, i counting the elements, else 0. Applied
 * to dy it is its own gradient.
 */
export const dropout: Kernel = {
  name: 'MhDropout',
  run(call) {
    const x = input(call, 'MhDropout', 'x');
    const drop = dropoutArguments(call, 'MhDropout', 'rate', 'seed');
    const y = call.output(x.shape);
    const at = [x, y].map(call.address);
    const calls = call
      .parts(sizeOf(x.shape), 0.7, 4)
      .map(([from, to]) => [...at.map((address) => address + 4 * from), to - from, from, ...drop]);
    call.run('dropout', calls);
    return y;
  },
};
