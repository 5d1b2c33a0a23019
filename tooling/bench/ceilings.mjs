// The loops of roofline.mjs, timed, and our products beside them; in Node and in a page alike.
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';

export async function measureCeilings(binaries, say) {
  for (const [name, { bytes, macs }] of Object.entries(binaries)) {
    const code = Uint8Array.from(bytes);
    if (!WebAssembly.validate(code)) {
      say(`${name}: not to be had here`);
      continue;
    }
    const { exports } = (await WebAssembly.instantiate(code)).instance;
    const rounds = 2e7;
    const floats = best(() => exports.floats(rounds, 1));
    const line = [`${name}: float32 ${((rounds * 12 * 8) / floats / 1e6).toFixed(1)} GFLOP/s`];
    const dots = best(() => exports.bytes(rounds, 1));
    line.push(`int8 ${((rounds * 12 * 2 * macs) / dots / 1e6).toFixed(1)} GOP/s`);
    if (exports.read) {
      const size = 2 ** 28;
      exports.write(size); // memory that nobody has written to is one page of zeros, in the cache
      line.push(`memory ${(size / best(() => exports.read(size)) / 1e6).toFixed(1)} GB/s`);
    }
    say(line.join(', '));
  }
}

/** Products of BERT-base's layers, the weights packed, on one thread. */
export async function measureProducts(say) {
  const { variant } = await useWasm({ threads: 1 });
  for (const m of [128, 1024])
    for (const [n, k] of [
      [768, 768],
      [3072, 768],
      [768, 3072],
    ]) {
      const a = tf.randomNormal([m, k]);
      const weight = tf.randomNormal([n, k]);
      const b = tf.engine().runKernel('MhPanels', { b: weight }, { transposeB: true });
      const ms = best(() =>
        tf.engine().runKernel('MhMatMul', { a, b }, { panels: true }).dispose(),
      );
      const rate = (2 * m * n * k) / ms / 1e6;
      say(`${variant}: [${m}, ${k}] by [${k}, ${n}] ${rate.toFixed(1)} GFLOP/s`);
      tf.dispose([a, weight, b]);
    }
}

/** Milliseconds of the fastest of a few runs: a ceiling is what the machine does undisturbed. */
function best(work) {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
