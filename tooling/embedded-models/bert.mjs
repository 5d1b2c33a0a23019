// Makes models/bert-mini-english from nothing: text, vocabulary, training, measuring, model card.
// Stopped half-way, it goes on from the last checkpoint when it is started again.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@multihead/checkpoint';
import { BertTokenizer } from '@multihead/tokenizers';
import { evaluateBaselines } from './baselines.mjs';
import { modelCard } from './card.mjs';
import { lossCurve } from './chart.mjs';
import { corpusPackages, documentSizes, readCorpus, toText } from './corpus.mjs';
import { evaluateModel } from './evaluate.mjs';
import { askAbout, packText } from './questions.mjs';
import * as recipe from './recipe.mjs';

const { architecture, evaluation, name, runs, toArguments, training } = recipe;
const root = fileURLToPath(new URL('../..', import.meta.url));
const destination = `${root}models/${name}`;
process.chdir(fileURLToPath(new URL('.', import.meta.url)));
const work = `.cache/${name}`;
const files = { train: `${work}/train.txt`, heldOut: `${work}/held-out.txt` };
const tokenizerFolder = `${work}/tokenizer`;
const runFolders = runs.map((_, i) => `${work}/run-${i + 1}`);
const modelFolder = runFolders.at(-1);

const tokenizerCommand = [
  ...['train-tokenizer', files.train, '--out', tokenizerFolder],
  ...toArguments(recipe.tokenizer),
];
const trainingCommands = runs.map((run, i) => [
  ...['pretrain', 'bert', files.train, '--tokenizer', tokenizerFolder, '--out', runFolders[i]],
  ...(i === 0 ? toArguments(architecture) : ['--from', runFolders[i - 1]]),
  ...['--eval-files', files.heldOut, ...toArguments({ ...training, ...run })],
]);

const corpus = await readCorpus();
await mkdir(work, { recursive: true });
await writeFile(files.train, toText(corpus.filter(({ heldOut }) => !heldOut)));
await writeFile(files.heldOut, toText(corpus.filter(({ heldOut }) => heldOut)));

multihead(tokenizerCommand);
for (const [i, command] of trainingCommands.entries()) {
  if (!existsSync(`${runFolders[i]}/model.safetensors`)) multihead([...command, '--resume']);
}

const tokenizer = await BertTokenizer.fromPretrained(modelFolder);
const pack = async (file) =>
  packText(await readFile(file, 'utf8'), tokenizer, architecture.positions);
const questions = askAbout(await pack(files.heldOut), tokenizer, evaluation);
const model = await evaluateModel(modelFolder, questions);
const baselines = evaluateBaselines(await pack(files.train), questions, tokenizer);
console.log({ model, ...baselines });

await publish();

function multihead(args) {
  console.log(`\n$ multihead ${args.join(' ')}`);
  const main = `${root}packages/cli/dist/main.js`;
  const { status, signal } = spawnSync(process.execPath, [main, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? (signal === null ? 1 : 130));
}

/** Puts the model, its card and its curve into the repository. */
async function publish() {
  await rm(destination, { recursive: true, force: true });
  await mkdir(destination, { recursive: true });
  for (const file of await readdir(modelFolder, { withFileTypes: true })) {
    if (!file.isFile() || file.name.endsWith('.jsonl')) continue;
    await copyFile(`${modelFolder}/${file.name}`, `${destination}/${file.name}`);
  }
  const weights = `${destination}/model.safetensors`;
  const { header } = await readSafetensors(await readFile(weights), { file: weights });
  const log = (await Promise.all(runFolders.map(readLog))).reduce(after);
  const levels = [
    { label: 'unigram', loss: baselines.unigram.loss },
    { label: 'bigram', loss: baselines.bigram.loss },
    { label: 'both neighbours', loss: baselines.neighbours.loss },
  ];
  await writeFile(`${destination}/training-loss.svg`, await lossCurve(log, levels));
  const card = modelCard({
    ...{ name, recipe, log, model, baselines },
    commands: [tokenizerCommand, ...trainingCommands].map((args) => `multihead ${args.join(' ')}`),
    corpus: documentSizes(corpus),
    packages: corpusPackages(),
    parameters: parameterCount(header),
    bytes: (await stat(weights)).size,
  });
  await writeFile(`${destination}/README.md`, card);
  console.log(`\n${destination} is made.`);
}

function parameterCount({ tensors }) {
  return [...tensors.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
}

async function readLog(folder) {
  const lines = (await readFile(`${folder}/training-log.jsonl`, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** The log of a run that goes on where another ended. */
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
