// What making a model by `multihead` takes, whatever the model.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@multihead/checkpoint';
import { readCorpus, toText } from './corpus.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** `{ hidden: 128, preNorm: true }` → `['--hidden', '128', '--pre-norm']` */
export function toArguments(options) {
  return Object.entries(options).flatMap(([key, value]) => {
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? [flag] : [flag, String(value)];
  });
}

/** Runs the command before one's eyes, and gives up where it does. */
export function multihead(args) {
  console.log(`\n$ multihead ${args.join(' ')}`);
  run(args, 'inherit');
}

/**
 * Trains by the recipe's runs, each from the model of the one before, what is not trained yet.
 *
 * @param command what `multihead` is given beside a recipe's options and folders
 * @returns the runs' folders, the last of which has the model, and the commands that were, or had been, run
 */
export function trainRuns(command, { architecture, name, runs, training }, heldOut) {
  const runFolders = runs.map((_, i) => `.cache/${name}/run-${i + 1}`);
  const trainingCommands = runs.map((run, i) => [
    ...command,
    ...['--out', runFolders[i]],
    ...(i === 0 ? toArguments(architecture) : ['--from', runFolders[i - 1]]),
    ...['--eval-files', heldOut, ...toArguments({ ...training, ...run })],
  ]);
  for (const [i, command] of trainingCommands.entries()) {
    if (!existsSync(`${runFolders[i]}/model.safetensors`)) multihead([...command, '--resume']);
  }
  return { runFolders, trainingCommands };
}

/** Runs the command for what it prints. */
export const outputOf = (args) => run(args, ['ignore', 'pipe', 'inherit']);

function run(args, stdio) {
  const main = `${root}packages/cli/dist/main.js`;
  const options = { stdio, encoding: 'utf8', maxBuffer: 1 << 28 };
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    [...process.execArgv, main, ...args],
    options,
  );
  if (status !== 0) process.exit(status ?? (signal === null ? 1 : 130));
  return stdout;
}

/** Writes the corpus as two files into a folder; `{ corpus, files: { train, heldOut } }`. */
export async function writeCorpus(folder) {
  const corpus = await readCorpus();
  const files = { train: `${folder}/train.txt`, heldOut: `${folder}/held-out.txt` };
  await mkdir(folder, { recursive: true });
  await writeFile(files.train, toText(corpus.filter(({ heldOut }) => !heldOut)));
  await writeFile(files.heldOut, toText(corpus.filter(({ heldOut }) => heldOut)));
  return { corpus, files };
}

/** The ids of each document of such a file. */
export async function readDocuments(file, tokenizer) {
  return (await readTexts(file))
    .map((text) => tokenizer.encodeIds(text))
    .filter((ids) => ids.length > 0);
}

/** The text of each document. */
export async function readTexts(file) {
  return (await readFile(file, 'utf8')).split(/\n{2,}/).map((text) => text.trimEnd());
}

/** What the model in a folder writes by the recipe: `[{ prompt, flags, text }]`. */
export function writeSamples({ samples, sampling, sampleLength }, folder) {
  return samples.map(({ prompt, options }) => {
    const drawn = options.seed === undefined ? {} : { doSample: true, ...sampling, ...options };
    const flags = toArguments({ maxNewTokens: sampleLength, ...drawn });
    const text = outputOf(['generate', prompt, '--model', folder, ...flags, '--quiet']).trimEnd();
    return { prompt, flags, text };
  });
}

/** Puts a model that was made in place of the one in the repository: its number of weights, and its bytes. */
export async function publishModel(modelFolder, destination) {
  await rm(destination, { recursive: true, force: true });
  await mkdir(destination, { recursive: true });
  for (const file of await readdir(modelFolder, { withFileTypes: true })) {
    if (!file.isFile() || file.name.endsWith('.jsonl')) continue;
    await copyFile(`${modelFolder}/${file.name}`, `${destination}/${file.name}`);
  }
  const file = `${destination}/model.safetensors`;
  const { header } = await readSafetensors(await readFile(file), { file });
  const sizes = Array.from(header.tensors.values(), ({ shape }) =>
    shape.reduce((a, b) => a * b, 1),
  );
  return { parameters: sizes.reduce((a, b) => a + b, 0), bytes: (await stat(file)).size };
}

/** The logs of runs, each of which goes on where the one before ended, as one. */
export async function readLogs(runFolders) {
  return (await Promise.all(runFolders.map(readLog))).reduce(after);
}

async function readLog(folder) {
  const lines = (await readFile(`${folder}/training-log.jsonl`, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

function after(first, second) {
  const { step, epoch, seconds } = first.at(-1);
  const shifted = second.map((line) => ({
    ...line,
    step: step + line.step,
    epoch: epoch + line.epoch,
    seconds: seconds + line.seconds,
  }));
  return [...first, ...shifted];
}
