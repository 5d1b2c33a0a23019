// The smallest page that uses the package, as a user would write it: built by each bundler with its
// default settings, and run by Node as it is (see src/bundlers.test.ts).
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';

async function main() {
  const info = await useWasm();
  const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const stock = tf.matMul(a, a, false, true);
  const ours = tf.engine().runKernel('MhMatMul', { a, b: a }, { transposeB: true });
  return { ...info, stock: Array.from(stock.dataSync()), ours: Array.from(ours.dataSync()) };
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
