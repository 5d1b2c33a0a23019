// Sentences of STS-B in batches of 32 through MiniLM's shape, on one thread: our packed batches without
// padding, our padded ones, and onnxruntime-web's, which have to be padded. Batches are drawn from all
// sentences without regard to length, and padded to their longest. (Sorting by length first would spare
// padding, where one may sort.) Tokenizing is outside of what is timed. What it needs besides, it says.
//   node scripts/pnpm.mjs --filter @multihead/bench run ragged [--batches 8] [--rounds 5] …
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { BertModel } from '@multihead/bert';
import { BertTokenizer } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import { alternate, print } from './alternate.mjs';
import { modelsFolder, needPeersAndModels } from './peers.mjs';

const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '32' },
    batches: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
  },
});
needPeersAndModels();
const { MULTIHEAD_STSB: sentencesFile, MULTIHEAD_MINILM: tokenizerFolder } = process.env;
if (!sentencesFile || !tokenizerFolder) {
  console.error(
    'Still needed are MULTIHEAD_STSB, a CSV file of STS-B (sentence, sentence, score), and ' +
      "MULTIHEAD_MINILM, all-MiniLM-L6-v2's folder, for its tokenizer.",
  );
  process.exit(1);
}

const tokenizer = await BertTokenizer.fromPretrained(tokenizerFolder);
const size = Number(options.size);
const sentences = (await readFile(sentencesFile, 'utf8'))
  .split('\n')
  .flatMap((line) => line.match(/^("(?:[^"]|"")*"|[^,]*),("(?:[^"]|"")*"|[^,]*),/)?.slice(1) ?? [])
  .map((field) => field.replace(/^"|"$/g, '').replaceAll('""', '"'));
const batches = Array.from({ length: Number(options.batches) }, (_, i) => {
  // Strides of a prime come to all sentences, in an order that is the same each time.
  const texts = Array.from(
    { length: size },
    (_, j) => sentences[((i * size + j) * 7919) % sentences.length],
  );
  const padded = tokenizer.encodeBatch(texts, { padding: 'longest' });
  return { packed: plain(tokenizer.encodeBatch(texts, { padding: false })), padded: plain(padded) };
});

/** The rows, written out: a tokenizer's answer makes them when they are asked for. */
function plain({ inputIds, attentionMask, tokenTypeIds }) {
  return { inputIds, attentionMask, tokenTypeIds };
}

const count = (rows) => rows.reduce((sum, row) => sum + row.length, 0);
const real = batches.reduce((sum, { packed }) => sum + count(packed.inputIds), 0);
const all = batches.reduce((sum, { padded }) => sum + count(padded.inputIds), 0);

const { variant } = await useWasm();
const model = await BertModel.fromPretrained(`${modelsFolder}/minilm`, { addPoolingLayer: false });
const ort = await import('./peers/onnxruntime.mjs');
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(
  await readFile(`${modelsFolder}/minilm/onnx/model.onnx`),
  { executionProviders: ['wasm'] },
);

async function ours(inputs, ragged) {
  const outputs = model.forward(inputs, { ragged });
  const values = await outputs.lastHiddenState.data();
  outputs.dispose();
  return values;
}

async function onnxRuntime({ inputIds, attentionMask, tokenTypeIds }) {
  const shape = [inputIds.length, inputIds[0].length];
  const int64 = (rows) => new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), shape);
  const { last_hidden_state: states } = await session.run({
    input_ids: int64(inputIds),
    attention_mask: int64(attentionMask),
    token_type_ids: int64(tokenTypeIds),
  });
  return states.data;
}

/** The largest difference between packed states and padded ones, where there are tokens. */
function difference(packed, padded, rows, length) {
  const width = packed.length / count(rows);
  let [most, at] = [0, 0];
  for (const [i, row] of rows.entries())
    for (let j = 0; j < row.length * width; j++)
      most = Math.max(most, Math.abs(packed[at++] - padded[i * length * width + j]));
  return most;
}

const [{ packed, padded }] = batches;
const states = await ours(packed, true);
for (const other of [await ours(padded, false), await onnxRuntime(padded)]) {
  const off = difference(states, other, packed.inputIds, padded.inputIds[0].length);
  if (!(off < 1e-3)) throw new Error(`Hidden states are off by ${off}`);
}

const through = (work) => async () => {
  for (const batch of batches) await work(batch);
};
print(
  `MiniLM, ${batches.length} batches of ${size} sentences, ${real} tokens (${all} with padding), kernels ${variant}`,
  await alternate(
    {
      'multihead, packed': through(({ packed }) => ours(packed, true)),
      'multihead, padded': through(({ padded }) => ours(padded, false)),
      'onnxruntime-web, padded': through(({ padded }) => onnxRuntime(padded)),
    },
    { rounds: Number(options.rounds), warmUp: 1 },
  ),
);
process.exit(0);
