// Where the milliseconds of some work go, kernel by kernel.
import * as tf from '@tensorflow/tfjs-core';

/** Does the work `rounds` times, and gives lines of text. */
export async function profileKernels(work, rounds = 5) {
  const spent = new Map();
  const kernels = tf.getKernelsForBackend('wasm');
  const before = kernels.map(({ kernelFunc }) => kernelFunc);
  let depth = 0;
  for (const kernel of kernels) {
    const run = kernel.kernelFunc;
    kernel.kernelFunc = (given) => {
      const start = performance.now();
      depth++;
      try {
        return run(given);
      } finally {
        const row = spent.get(kernel.kernelName) ?? { calls: 0, ms: 0 };
        row.calls++;
        if (--depth === 0) row.ms += performance.now() - start;
        spent.set(kernel.kernelName, row);
      }
    };
  }
  const start = performance.now();
  try {
    for (let i = 0; i < rounds; i++) await work();
  } finally {
    kernels.forEach((kernel, i) => {
      kernel.kernelFunc = before[i];
    });
  }
  const whole = (performance.now() - start) / rounds;
  const rows = [...spent].sort(([, a], [, b]) => b.ms - a.ms);
  const inKernels = rows.reduce((sum, [, { ms }]) => sum + ms / rounds, 0);
  rows.push(['(tfjs and our own JavaScript)', { calls: 0, ms: (whole - inKernels) * rounds }]);
  return rows
    .filter(([, { ms }]) => ms / rounds >= 0.005 * whole)
    .map(([name, { calls, ms }]) => {
      const part = ((100 * ms) / rounds / whole).toFixed(1);
      return `  ${name.padEnd(30)} ${String(calls / rounds).padStart(6)} calls ${(ms / rounds).toFixed(2).padStart(8)} ms ${part.padStart(6)} %`;
    });
}
