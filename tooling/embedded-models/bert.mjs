// Makes models/bert-mini-english from nothing: text, vocabulary, training, measuring, model card.
// Stopped half-way, it goes on from the last checkpoint when it is started again.
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@multihead/checkpoint';
import { BertTokenizer } from '@multihead/tokenizers';
import { evaluateBaselines } from './baselines.mjs';
import { modelCard } from './card.mjs';
import { lossCurve } from './chart.mjs';
import { corpusPackages, readCorpus, toText } from './corpus.mjs';
import { evaluateModel } from './evaluate.mjs';
import { askAbout, packText } from './questions.mjs';
import * as recipe from './recipe.mjs';

const { evaluation, name, pretraining, toArguments } = recipe;
const root = fileURLToPath(new URL('../..', import.meta.url));
const destination = `${root}models/${name}`;
process.chdir(fileURLToPath(new URL('.', import.meta.url)));
const work = `.cache/${name}`;
const files = { train: `${work}/train.txt`, heldOut: `${work}/held-out.txt` };
const folders = { tokenizer: `${work}/tokenizer`, model: `${work}/model` };

const commands = [
  ['train-tokenizer', files.train, '--out', folders.tokenizer, ...toArguments(recipe.tokenizer)],
  [
    ...['pretrain', 'bert', files.train, '--tokenizer', folders.tokenizer, '--out', folders.model],
    ...['--eval-files', files.heldOut, ...toArguments(pretraining)],
  ],
];

const corpus = await readCorpus();
await mkdir(work, { recursive: true });
await writeFile(files.train, toText(corpus.filter(({ heldOut }) => !heldOut)));
await writeFile(files.heldOut, toText(corpus.filter(({ heldOut }) => heldOut)));

multihead(commands[0]);
multihead([...commands[1], '--resume']);

const tokenizer = await BertTokenizer.fromPretrained(folders.model);
const pack = async (file) =>
  packText(await readFile(file, 'utf8'), tokenizer, pretraining.maxLength);
const questions = askAbout(await pack(files.heldOut), tokenizer, evaluation);
const model = await evaluateModel(folders.model, questions);
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
  for (const file of await readdir(folders.model, { withFileTypes: true })) {
    if (!file.isFile() || file.name.endsWith('.jsonl')) continue;
    await copyFile(`${folders.model}/${file.name}`, `${destination}/${file.name}`);
  }
  const weights = `${destination}/model.safetensors`;
  const { header } = await readSafetensors(await readFile(weights), { file: weights });
  const log = (await readFile(`${folders.model}/training-log.jsonl`, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const levels = [
    { label: 'unigram', loss: baselines.unigram.loss },
    { label: 'bigram', loss: baselines.bigram.loss },
    { label: 'both neighbours', loss: baselines.neighbours.loss },
  ];
  await writeFile(`${destination}/training-loss.svg`, await lossCurve(log, levels));
  const card = modelCard({
    ...{ name, recipe, log, model, baselines },
    commands: commands.map((args) => `multihead ${args.join(' ')}`),
    corpus: corpus.map(({ source, heldOut, lines }) => ({
      source,
      heldOut,
      words: lines.join(' ').split(' ').length,
    })),
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
