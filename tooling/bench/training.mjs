// A training step (forward, backward, clipping, AdamW) beside native PyTorch, and tfjs-wasm without our
// kernels: the step as one writes it in plain tfjs, and our own compositions of tfjs's ops.
//   node scripts/pnpm.mjs --filter @multihead/bench run training [gpt|bert] [--rounds 5] [--profile]
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { alternate, print } from './alternate.mjs';
import { inNode, inPython } from './peers.mjs';
import { profileKernels } from './profile.mjs';
import { lossOf, stepper, trainees } from './training-models.mjs';

const asked = Object.keys(trainees).filter((name) => process.argv.includes(name));
const names = asked.length > 0 ? asked : Object.keys(trainees);

const given = (option, other) => Number(process.argv[process.argv.indexOf(option) + 1]) || other;
const rounds = given('--rounds', 5);
const stock = !process.argv.includes('--no-stock');
/** PyTorch has one too. */
const threads = given('--threads', 1);
const { variant, tfjsVersion } = await useWasm({ threads });
console.log(
  `Node ${process.versions.node}, tfjs ${tfjsVersion}, kernels: ${variant}, ${threads} thread(s)`,
);
for (const name of names) {
  const { title, model, batch, vocabSize } = trainees[name]();
  const fresh = await lossOf(model, batch);
  const step = stepper(model, batch);
  const first = await step();
  for (let i = 0; i < 2; i++) await step();
  const heap = () => tf.backend().wasm.HEAPU8.byteLength / 2 ** 20;
  console.log(`\n${title}: the heap has grown to ${heap().toFixed(0)} MiB after three steps`);
  if (process.argv.includes('--profile'))
    for (const line of await profileKernels(step)) console.log(line);
  const torch = await inPython('training_torch.py', name);
  if (!torch) console.log('  (MULTIHEAD_PYTHON names no Python with torch: left out)');
  // Before it has learned anything, a model knows no word from another.
  const losses = [first, ...(torch ? [Number(await torch.ask('step'))] : [])];
  for (const loss of losses) {
    if (!(Math.abs(loss - Math.log(vocabSize)) < 0.5)) throw new Error(`The first loss is ${loss}`);
  }
  const peers = { multihead: step };
  if (torch) peers['PyTorch, one thread'] = () => torch.ask('step');
  print(title, await alternate(peers, { rounds, warmUp: 1 }));
  torch?.close();
  if (stock) await besideStock(name, title, step, fresh);
  model.dispose();
}

/**
 * Steps so slow come once before they are timed, ours too: a system may have taken the memory of who
 * waited for so long.
 */
async function besideStock(name, title, step, fresh) {
  const peers = { multihead: { before: step, work: step } };
  const stock = {
    'our compositions on stock tfjs': 'training-compositions.mjs',
    'as written in plain tfjs': 'training-plain.mjs',
  };
  const opened = [];
  for (const [title, script] of Object.entries(stock)) {
    const peer = await inNode(script, name);
    opened.push(peer);
    const off = Number(await peer.ask('loss')) - fresh;
    if (!(Math.abs(off) < 1e-4)) throw new Error(`The loss ${title} is off by ${off}`);
    const work = () => peer.ask('step');
    peers[title] = { before: work, work };
  }
  print(`${title}, on tfjs-wasm`, await alternate(peers, { rounds: 2, warmUp: 0 }));
  for (const peer of opened) peer.close();
}
