// The smallest page that uses the package, as a user would write it: built by each bundler with its
// default settings, and run by Node as it is (see src/bundlers.test.ts).
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';

async function main() {
  const info = await useWasm();
  const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const stock = tf.matMul(a, a, false, true);
  const ours = tf.engine().runKernel('MhMatMul', { a, b: a }, { transposeB: true });
  const same = await sameOnThreads();
  return { ...info, same, stock: Array.from(stock.dataSync()), ours: Array.from(ours.dataSync()) };
}

/** Whether a product that is worth two threads is the same from one; and how many there were. */
async function sameOnThreads() {
  const a = tf.randomNormal([256, 512]);
  const results = [];
  for (const asked of [1, 2]) {
    const { threads } = await useWasm({ threads: asked });
    for (let i = 0; i < 5; i++) {
      const product = tf.matMul(a, a, false, true);
      results.push(product.dataSync().join());
      product.dispose();
    }
    results.threads = threads;
  }
  return { threads: results.threads, equal: results.every((result) => result === results[0]) };
}

main().then(
  (result) => report(result),
  (error) => report({ error: String(error), code: error.code }),
);

function report(result) {
  const text = JSON.stringify(result);
  if (typeof document === 'object') document.title = text;
  else console.log(text);
}
