// BERT on WASM: our kernels beside the same ops as compositions of stock tfjs, in one process.
//   node scripts/pnpm.mjs --filter @multihead/bench run bert
import { BertConfig, BertForMaskedLM, BertModel } from '@multihead/bert';
import { Random, valueAndGradients, Weights } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { alternate, print } from './alternate.mjs';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 7;
const warmUp = quick ? 0 : 2;

/** Both roads through the same work; switching kernels on and off costs microseconds. */
const onBoth = (work) => ({
  'with kernels': async () => {
    await useWasm();
    await work();
  },
  'stock tfjs-wasm composition': async () => {
    await useWasm({ kernels: false });
    await work();
  },
});

const random = new Random(0);
const rows = (batch, length, vocabSize) =>
  Array.from({ length: batch }, () =>
    Array.from({ length }, () => 1 + random.below(vocabSize - 1)),
  );

const { variant, tfjsVersion } = await useWasm();
console.log(`Node ${process.versions.node}, tfjs ${tfjsVersion}, kernels: ${variant}`);

const miniLM = new BertConfig({
  hiddenSize: 384,
  numHiddenLayers: 6,
  numAttentionHeads: 12,
  intermediateSize: 1536,
});
const model = new BertModel(miniLM, new Weights({ seed: 0 }));
for (const [batch, length] of quick
  ? [[1, 32]]
  : [
      [1, 32],
      [1, 128],
      [8, 128],
    ]) {
  const inputIds = rows(batch, length, miniLM.vocabSize);
  const forward = async () => {
    const outputs = model.forward({ inputIds });
    await outputs.lastHiddenState.data();
    outputs.dispose();
  };
  print(
    `forward, MiniLM-L6 shape (6 × 384), ${batch}×${length}`,
    await alternate(onBoth(forward), { rounds, warmUp }),
  );
}
model.dispose();

const small = new BertConfig({
  vocabSize: 8192,
  hiddenSize: 128,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  intermediateSize: 512,
});
const learner = new BertForMaskedLM(small, new Weights({ seed: 0 }));
const inputIds = rows(quick ? 2 : 16, 128, small.vocabSize);
const labels = inputIds.map((row) => row.map((id) => (random.uniform() < 0.15 ? id : -100)));
const step = async () => {
  const options = { random: new Random(1), outputLogits: false };
  const { value, gradients } = valueAndGradients(
    learner,
    () => learner.forward({ inputIds, labels }, options).loss,
  );
  await value.data();
  tf.dispose([value, ...gradients.values()]);
};
print(
  `masked-LM loss and gradients, 2 × 128, vocabulary 8192, ${inputIds.length}×128`,
  await alternate(onBoth(step), { rounds, warmUp }),
);
learner.dispose();
