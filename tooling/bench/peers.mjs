// The peers of peers/package.json, which not everybody needs to install, and PyTorch in a process.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const peersFolder = fileURLToPath(new URL('./peers/', import.meta.url));

/** The folder that tooling/reference/onnx_models.py filled. */
export const modelsFolder = process.env.MULTIHEAD_BENCH_MODELS;

/** Says how to get what is missing, and ends. */
export function needPeersAndModels() {
  const missing = [];
  if (!existsSync(`${peersFolder}node_modules`))
    missing.push('the peers: npm ci --ignore-scripts --prefix tooling/bench/peers');
  if (!modelsFolder || !existsSync(modelsFolder))
    missing.push(
      'the models: python tooling/reference/onnx_models.py FOLDER, and MULTIHEAD_BENCH_MODELS=FOLDER',
    );
  if (missing.length === 0) return;
  console.error(`Still needed are ${missing.join('; and ')}.`);
  process.exit(1);
}

/** `serve` with a Python script; undefined where MULTIHEAD_PYTHON names no Python. */
export async function inPython(script, ...args) {
  const python = process.env.MULTIHEAD_PYTHON;
  return python ? serve(python, script, args) : undefined;
}

/** `serve` with a script for Node, under the flags of this process. */
export function inNode(script, ...args) {
  return serve(process.execPath, script, args, process.execArgv);
}

/**
 * A script in a process of its own that does its work once for each line it is sent and answers with a
 * line; what it prints first says that it is ready.
 */
async function serve(command, script, args, flags = []) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(command, [...flags, path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script} ended before it answered`);
    return value;
  };
  await answer();
  return {
    ask(line) {
      child.stdin.write(`${line}\n`);
      return answer();
    },
    close: () => child.kill(),
  };
}
