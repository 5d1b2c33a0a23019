// training.mjs's peer in a process of its own: the same training step as one writes it in plain tfjs,
// with nothing of ours in it: tfjs's kernels, tfjs's gradients, tfjs's Adam.
//   node training-plain.mjs gpt|bert; for each line a step, and the loss before it. The line `loss` asks
//   for the loss without dropout, and takes no step.
import { createInterface } from 'node:readline';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { build } from 'esbuild';
import { trainees } from './training-models.mjs';

await registerOwnGradients();
await useWasm({ kernels: false });
const [name] = process.argv.slice(2);
const { model, batch } = trainees[name]();
/** Our fresh weights, by their names in Hugging Face's files. */
const weights = {};
for (const [path, parameter] of model.parameters) {
  const value = tf.tensor(await parameter.data(), parameter.shape);
  // PyTorch's [out, in] as tfjs multiplies it fastest.
  const isLinear = name === 'bert' && value.rank === 2 && !path.includes('embeddings');
  weights[path] = tf.variable(isLinear ? tf.transpose(value) : value);
}
const { config } = model;
model.dispose();

const ids = tf.tensor2d(batch.inputIds, undefined, 'int32');
const [rows, length] = ids.shape;
const optimizer = tf.train.adam(1e-4);
const loss = { gpt: gptLoss, bert: bertLoss }[name];

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'loss') {
    console.log(tf.tidy(() => loss(0)).dataSync()[0]);
    continue;
  }
  const { value, grads } = tf.variableGrads(() => loss(0.1));
  optimizer.applyGradients(grads);
  console.log((await value.data())[0]);
  tf.dispose([value, grads]);
}

/** GPT-2 (Radford et al. 2019). */
function gptLoss(dropout) {
  const size = config.nEmbd;
  const w = (path) => weights[`transformer.${path}`];
  const positions = tf.range(0, length, 1, 'int32');
  let x = tf.add(lookUp(w('wte.weight'), ids), lookUp(w('wpe.weight'), positions));
  x = tf.dropout(x, dropout);
  const mask = tf.linalg.bandPart(tf.ones([length, length]), -1, 0);
  const hidden = tf.mul(tf.sub(1, mask), -1e9);
  for (let i = 0; i < config.nLayer; i++) {
    const at = (path) => w(`h.${i}.${path}`);
    const norm = (x, path) => layerNorm(x, at(`${path}.weight`), at(`${path}.bias`), 1e-5);
    const dense = (x, path) => linear(x, at(`${path}.weight`), at(`${path}.bias`));
    const [q, k, v] = tf.split(dense(norm(x, 'ln_1'), 'attn.c_attn'), 3, -1);
    const context = attention(q, k, v, config.nHead, dropout, hidden);
    x = tf.add(x, tf.dropout(dense(context, 'attn.c_proj'), dropout));
    const u = dense(norm(x, 'ln_2'), 'mlp.c_fc');
    const cubed = tf.mul(u, tf.mul(u, u));
    const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(u, tf.mul(0.044715, cubed)));
    const gelu = tf.mul(tf.mul(0.5, u), tf.add(1, tf.tanh(inner)));
    x = tf.add(x, tf.dropout(dense(gelu, 'mlp.c_proj'), dropout));
  }
  x = layerNorm(x, w('ln_f.weight'), w('ln_f.bias'), 1e-5);
  const before = tf.reshape(tf.slice(x, [0, 0, 0], [rows, length - 1, size]), [-1, size]);
  const next = batch.labels.flatMap((row) => row.slice(1));
  return crossEntropy(tf.matMul(before, w('wte.weight'), false, true), next);
}

/** BERT with its head for masked words (Devlin et al. 2019), the head at the masked places alone. */
function bertLoss(dropout) {
  const norm = (x, path) =>
    layerNorm(x, weights[`${path}.LayerNorm.weight`], weights[`${path}.LayerNorm.bias`], 1e-12);
  const dense = (x, path) => linear(x, weights[`${path}.weight`], weights[`${path}.bias`]);
  const gelu = (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
  const table = (kind) => weights[`bert.embeddings.${kind}_embeddings.weight`];
  const positions = tf.range(0, length, 1, 'int32');
  const places = tf.add(
    lookUp(table('position'), positions),
    lookUp(table('token_type'), tf.zeros([1], 'int32')),
  );
  let x = norm(tf.add(lookUp(table('word'), ids), places), 'bert.embeddings');
  x = tf.dropout(x, dropout);
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const at = `bert.encoder.layer.${i}`;
    const [q, k, v] = ['query', 'key', 'value'].map((one) =>
      dense(x, `${at}.attention.self.${one}`),
    );
    const context = attention(q, k, v, config.numAttentionHeads, dropout);
    const attended = tf.dropout(dense(context, `${at}.attention.output.dense`), dropout);
    x = norm(tf.add(x, attended), `${at}.attention.output`);
    const wide = gelu(dense(x, `${at}.intermediate.dense`));
    const fed = tf.dropout(dense(wide, `${at}.output.dense`), dropout);
    x = norm(tf.add(x, fed), `${at}.output`);
  }
  const truth = batch.labels.flat();
  const masked = Array.from(truth.keys()).filter((i) => truth[i] !== -100);
  const chosen = lookUp(tf.reshape(x, [rows * length, -1]), tf.tensor1d(masked, 'int32'));
  const head = 'cls.predictions';
  const transformed = norm(gelu(dense(chosen, `${head}.transform.dense`)), `${head}.transform`);
  const logits = tf.add(
    tf.matMul(transformed, table('word'), false, true),
    weights[`${head}.bias`],
  );
  return crossEntropy(
    logits,
    masked.map((i) => truth[i]),
  );
}

/** tf.gather, with a gradient that the wasm backend has the kernels for: of its own it has none. */
function lookUp(table, ids) {
  const flat = tf.reshape(ids, [-1]);
  const gather = tf.customGrad((table, save) => {
    save([flat]);
    return {
      value: tf.gather(table, flat),
      gradFunc: (dy, [flat]) => tf.scatterND(tf.reshape(flat, [-1, 1]), dy, table.shape),
    };
  });
  return tf.reshape(gather(table), [...ids.shape, -1]);
}

/** As tf.layers.dense does it: one product of rank 2, which takes the fast road of the backend. */
function linear(x, weight, bias) {
  const flat = tf.reshape(x, [-1, weight.shape[0]]);
  return tf.reshape(tf.add(tf.matMul(flat, weight), bias), [...x.shape.slice(0, -1), -1]);
}

function layerNorm(x, weight, bias, epsilon) {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(normal, weight), bias);
}

function attention(query, key, value, heads, dropout, mask) {
  const apart = (x) => tf.transpose(tf.reshape(x, [rows, length, heads, -1]), [0, 2, 1, 3]);
  const [q, k, v] = [query, key, value].map(apart);
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape[3]));
  const weights = tf.dropout(tf.softmax(mask ? tf.add(scores, mask) : scores), dropout);
  const context = tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]);
  return tf.reshape(context, query.shape);
}

function crossEntropy(logits, truth) {
  const wanted = tf.oneHot(tf.tensor1d(truth, 'int32'), logits.shape[1]);
  return tf.losses.softmaxCrossEntropy(wanted, logits);
}

/**
 * tfjs's gradients, which its build for Node leaves out: the files are there, as modules that Node does
 * not take as such. Engine and registry are globals, so a bundled copy fills those we use.
 */
async function registerOwnGradients() {
  const { outputFiles } = await build({
    stdin: {
      contents: "import '@tensorflow/tfjs-core/dist/register_all_gradients.js';",
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    write: false,
    logLevel: 'error',
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  await import(`data:text/javascript;base64,${code}`);
  if (!tf.getGradient('BatchMatMul')) throw new Error("tfjs's gradients are not registered");
}
