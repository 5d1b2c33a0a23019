// A GPT-2's prefill and decoding beside onnxruntime-web, the same weights in each; runs in Node and in a
// page alike.
import { GPT2LMHeadModel } from '@multihead/gpt';
import { useWasm } from '@multihead/wasm';
import { alternate, table } from './alternate.mjs';
import { profileKernels } from './profile.mjs';

/**
 * @param {object} given
 * @param {string} given.models folder or address that tooling/reference/onnx_models.py filled
 * @param {string} given.model which of them
 * @param {'float32' | 'q8'} given.dtype
 * @param {number} given.prompt tokens that are read at once
 * @param {number} given.tokens tokens that are written after it, one by one
 * @param {number} given.threads
 * @param {boolean} given.profile say where the milliseconds of a step of ours go
 * @param {(path: string) => Promise<Uint8Array>} given.read a file below `models`
 * @param {object} given.ort the module of onnxruntime-web
 * @param {object} given.rounds as `alternate` takes them
 * @param {(text: string) => void} given.say
 */
export async function compareDecoders(given) {
  const { models, model, dtype, threads, rounds, say } = given;
  const { variant } = await useWasm({ threads });
  const ours = await GPT2LMHeadModel.fromPretrained(`${models}/${model}`, { dtype });
  const peer = await onnxRuntime(given, ours.config);
  const ids = (from, count) =>
    Array.from({ length: count }, (_, i) => ((from + i) * 7919) % ours.vocabSize);
  const prompt = ids(0, given.prompt);
  const written = ids(given.prompt, given.tokens);
  const mine = decoder(ours, prompt.length + written.length);

  await check('the prompt', await mine.read(prompt), await peer.read(prompt), dtype);
  for (const id of written) await check('a token', await mine.next(id), await peer.next(id), dtype);

  const on = threads > 1 ? `, ${threads} threads` : '';
  const title = `${model}, ${dtype}, kernels ${variant}${on}`;
  const reading = {
    multihead: () => mine.read(prompt),
    // The graph gives the logits of every token, and generation needs those of the last.
    'multihead, all logits': () => mine.read(prompt, { allLogits: true }),
    'onnxruntime-web': () => peer.read(prompt),
  };
  say(table(`${title}: reading ${prompt.length} tokens`, await alternate(reading, rounds)));

  const writing = (one) => ({
    before: () => one.read(prompt),
    work: async () => {
      for (const id of written) await one.next(id);
    },
  });
  const peers = { multihead: writing(mine), 'onnxruntime-web': writing(peer) };
  const rows = (await alternate(peers, rounds)).map((row) => ({
    ...row,
    name: `${row.name}, ${((1000 * written.length) / row.ms).toFixed(1)} tokens/s`,
  }));
  say(table(`${title}: writing ${written.length} tokens after them`, rows));

  if (given.profile) {
    await mine.read(prompt);
    for (const line of await profileKernels(() => mine.next(written[0]), written.length)) say(line);
  }
  mine.close();
  ours.dispose();
  await peer.close();
}

/** Ours: `read` begins anew with a prompt, `next` takes one token more; both give the last logits. */
function decoder(model, capacity) {
  const state = model.createState({ batch: 1, capacity });
  const step = async (ids, options) => {
    const outputs = model.step([ids], state, options);
    const logits = await outputs.logits.data();
    outputs.dispose();
    return logits.subarray(-model.vocabSize);
  };
  return {
    read(ids, options) {
      state.truncate(0);
      return step(ids, options);
    },
    next: (id) => step([id]),
    close: () => state.dispose(),
  };
}

/** The same of onnxruntime-web: keys and values go in and come out, as its graphs have them. */
async function onnxRuntime(
  { ort, model, dtype, threads, read },
  { nLayer, nHead, nEmbd, vocabSize },
) {
  ort.env.wasm.numThreads = threads;
  const file = dtype === 'q8' ? 'model_quantized' : 'model';
  const session = await ort.InferenceSession.create(await read(`${model}/onnx/${file}.onnx`), {
    executionProviders: ['wasm'],
  });
  const entries = Array.from({ length: nLayer }, (_, i) => [`${i}_key`, `${i}_value`]).flat();
  const nothing = () =>
    new ort.Tensor('float32', new Float32Array(0), [1, nHead, 0, nEmbd / nHead]);
  let past;
  const step = async (ids) => {
    const inputIds = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]);
    const outputs = await session.run({ input_ids: inputIds, ...past });
    past = Object.fromEntries(
      entries.map((entry) => [`past_${entry}`, outputs[`present_${entry}`]]),
    );
    return outputs.logits.data.subarray(-vocabSize);
  };
  return {
    read(ids) {
      past = Object.fromEntries(entries.map((entry) => [`past_${entry}`, nothing()]));
      return step(ids);
    },
    next: (id) => step([id]),
    close: () => session.release(),
  };
}

/** float32 is the same up to rounding; each int8 rounds in its own way, and points the same way. */
function check(what, ours, theirs, dtype) {
  let [most, dot, a, b] = [0, 0, 0, 0];
  ours.forEach((x, i) => {
    const y = theirs[i];
    most = Math.max(most, Math.abs(x - y));
    dot += x * y;
    a += x * x;
    b += y * y;
  });
  const cosine = dot / Math.sqrt(a * b);
  if (dtype === 'float32' ? most < 1e-3 : cosine > 0.98) return;
  throw new Error(`The logits after ${what} are off by ${most}, cosine similarity ${cosine}`);
}
