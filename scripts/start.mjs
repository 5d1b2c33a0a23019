// `npm start`: our own BERT fills masks in the terminal, then the demo is served.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const model = `${root}models/bert-mini-english`;
const sentences = [
  'The president of the United [MASK] spoke to the congress.',
  'The captain stood on the deck of the [MASK].',
  'We must work for peace and [MASK] among nations.',
];

console.log('\nA BERT that this repository trained fills masks, on the WASM SIMD backend:\n');
for (const sentence of sentences) {
  const fillMask = [`${root}packages/cli/dist/main.js`, 'fill-mask', sentence, '--model', model];
  const { status } = spawnSync(process.execPath, fillMask, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  console.log();
}
console.log('In a page (Ctrl-C ends it): the same with the attention behind it, and how');
console.log('WordPiece, BPE, word-level and your own tokenizer cut what you type:');

const demo = `${root}apps/demo/`;
const server = spawn(process.execPath, ['node_modules/vite/bin/vite.js', 'preview'], {
  cwd: demo,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));
server.on('exit', (code) => process.exit(code ?? 0));
