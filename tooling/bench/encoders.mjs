// BERT encoders beside their peers, the same weights in each; runs in Node and in a page alike.
import { BertModel } from '@multihead/bert';
import { useWasm } from '@multihead/wasm';
import { alternate, table } from './alternate.mjs';
import { profileKernels } from './profile.mjs';

const vocabSize = 30522;

/**
 * @param {object} given
 * @param {string} given.models folder or address that tooling/reference/onnx_models.py filled
 * @param {string} given.model which of them
 * @param {[batch: number, length: number][]} given.shapes
 * @param {'float32' | 'q8'} given.dtype
 * @param {number} given.threads
 * @param {(path: string) => Promise<Uint8Array>} given.read a file below `models`
 * @param {object} given.peers those to be had: modules `ort` and `transformers`, functions `jax` (which
 *   loads the module) and `torch` (`inPython`), and whether `stock` tfjs
 * @param {object} given.rounds as `alternate` takes them
 * @param {boolean} given.profile whether to say where ours spends its time
 * @param {(text: string) => void} given.say
 */
export async function compareEncoders(given) {
  const { models, model, shapes, dtype, threads, rounds, profile, say } = given;
  const { variant } = await useWasm({ threads });
  const started = performance.now();
  const ours = await BertModel.fromPretrained(`${models}/${model}`, {
    dtype,
    addPoolingLayer: false,
  });
  say(
    `${model}, ${dtype}: kernels ${variant}, loaded in ${Math.round(performance.now() - started)} ms`,
  );
  const opened = await open(given);
  for (const [batch, length] of shapes) {
    const inputIds = rows(batch, length);
    const expected = await forward(ours, inputIds);
    if (profile) for (const line of await profileKernels(() => forward(ours, inputIds))) say(line);
    const all = { multihead: () => forward(ours, inputIds) };
    if (given.peers.stock && dtype === 'float32' && threads === 1) {
      all['stock tfjs-wasm'] = {
        before: async () => {
          await useWasm({ kernels: false });
          await forward(ours, inputIds);
        },
        work: () => forward(ours, inputIds),
      };
      // Going back and forth packs and unpacks the weights, which is not what is measured.
      const back = async () => {
        await useWasm({ threads });
        await forward(ours, inputIds);
      };
      all.multihead = { before: back, work: all.multihead };
    }
    for (const [name, peer] of Object.entries(opened)) {
      const work = peer(inputIds);
      if (work === undefined) continue;
      const off = difference(expected, await work());
      if (!(off < (dtype === 'float32' ? 1e-3 : 1))) throw new Error(`${name} is off by ${off}`);
      all[name] = work;
    }
    const on = threads > 1 ? `, ${threads} threads` : '';
    say(table(`${model} ${batch}×${length}, ${dtype}${on}`, await alternate(all, rounds)));
  }
  ours.dispose();
  for (const peer of Object.values(opened)) await peer.close?.();
}

const rows = (batch, length) =>
  Array.from({ length: batch }, (_, i) =>
    Array.from({ length }, (_, j) => 1000 + (((i * length + j) * 7919) % (vocabSize - 1000))),
  );

/** The last hidden states, read back as a caller would. */
async function forward(model, inputIds) {
  const outputs = model.forward({ inputIds });
  const values = await outputs.lastHiddenState.data();
  outputs.dispose();
  return values;
}

/** For each peer, a function from ids to the work of one forward pass; undefined where it cannot. */
async function open({ models, model, dtype, threads, read, peers }) {
  const q8 = dtype === 'q8';
  const opened = {};
  if (peers.ort)
    opened['onnxruntime-web'] = await onnxRuntime(
      peers.ort,
      threads,
      await read(`${model}/onnx/${q8 ? 'model_quantized' : 'model'}.onnx`),
    );
  if (peers.transformers)
    opened['@huggingface/transformers'] = await transformers(peers.transformers, models, model, q8);
  if (peers.jax && !q8 && threads === 1)
    opened['@jax-js/jax'] = await jax(
      peers.jax,
      await read(`${model}/onnx/model_unmasked_1x128.onnx`),
    );
  if (peers.torch && !q8)
    opened['PyTorch (native)'] = await torch(peers.torch, `${models}/${model}`, threads);
  return opened;
}

async function onnxRuntime(ort, threads, bytes) {
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const open = (inputIds) => {
    const shape = [inputIds.length, inputIds[0].length];
    const int64 = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), shape);
    const ids = inputIds.flat();
    const inputs = {
      input_ids: int64(ids),
      attention_mask: int64(ids.map(() => 1)),
      token_type_ids: int64(ids.map(() => 0)),
    };
    return async () => (await session.run(inputs)).last_hidden_state.data;
  };
  open.close = () => session.release();
  return open;
}

/** transformers.js, which runs onnxruntime-web; its own tensors, its own model class. */
async function transformers({ AutoModel, Tensor, env }, models, model, q8) {
  env.allowLocalModels = true;
  env.allowRemoteModels = false;
  env.localModelPath = `${models}/`;
  const options = { dtype: q8 ? 'q8' : 'fp32', device: 'wasm' };
  const loaded = await AutoModel.from_pretrained(model, options);
  const open = (inputIds) => {
    const shape = [inputIds.length, inputIds[0].length];
    const int64 = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
    const ids = inputIds.flat();
    return async () => {
      const outputs = await loaded({
        input_ids: int64(ids),
        attention_mask: int64(ids.map(() => 1)),
        token_type_ids: int64(ids.map(() => 0)),
      });
      return outputs.last_hidden_state.data;
    };
  };
  open.close = () => loaded.dispose();
  return open;
}

/**
 * @jax-js/onnx lacks operators that make an attention mask, and shapes that vary. It starts threads
 * wherever there are workers: it sees none, to run on one.
 */
async function jax(load, bytes) {
  const onOneThread = async (work) => {
    const { Worker } = globalThis;
    globalThis.Worker = undefined;
    try {
      return await work();
    } finally {
      globalThis.Worker = Worker;
    }
  };
  const { init, defaultDevice, numpy, jit, ONNXModel } = await onOneThread(load);
  await onOneThread(() => init('wasm'));
  defaultDevice('wasm');
  const model = new ONNXModel(bytes);
  const run = jit(model.run);
  const open = (inputIds) => {
    const shape = [inputIds.length, inputIds[0].length];
    if (shape.join() !== '1,128') return undefined;
    const int32 = (values) => numpy.array(Int32Array.from(values), { shape, dtype: numpy.int32 });
    const ids = inputIds.flat();
    return () =>
      onOneThread(() => {
        const outputs = run({ input_ids: int32(ids), token_type_ids: int32(ids.map(() => 0)) });
        return outputs.last_hidden_state.data();
      });
  };
  open.close = () => model.dispose();
  return open;
}

/** PyTorch in a process of its own; it answers with the first states, enough to compare. */
async function torch(inPython, folder, threads) {
  const python = await inPython('encoder_torch.py', folder, String(threads));
  let last;
  const open = (inputIds) => async () => {
    const line = last === inputIds ? 'again' : JSON.stringify(inputIds);
    last = inputIds;
    return JSON.parse(await python.ask(line));
  };
  open.close = () => python.close();
  return open;
}

/** The largest difference of the values that both have. */
function difference(a, b) {
  let most = 0;
  for (let i = 0; i < Math.min(a.length, b.length); i++)
    most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}
