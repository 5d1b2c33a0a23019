// training.mjs's peer in a process of its own: our models and optimizer on stock tfjs-wasm, where each op
// is its composition of tfjs's ops, which keeps off the backend's slow roads.
//   node training-compositions.mjs gpt|bert; for each line a step, and the loss before it. The line `loss`
//   asks for the loss without dropout, and takes no step.
import { createInterface } from 'node:readline';
import { useWasm } from '@multihead/wasm';
import { lossOf, stepper, trainees } from './training-models.mjs';

await useWasm({ kernels: false });
const { model, batch } = trainees[process.argv[2]]();
const step = stepper(model, batch);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  console.log(line === 'loss' ? await lossOf(model, batch) : await step());
}
