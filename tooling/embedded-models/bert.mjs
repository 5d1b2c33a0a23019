// Makes models/bert-mini-english from nothing: text, vocabulary, training, measuring, model card.
// Stopped half-way, it goes on from the last checkpoint when it is started again.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BertTokenizer } from '@multihead/tokenizers';
import { evaluateBaselines } from './baselines.mjs';
import { modelCard } from './bert-card.mjs';
import { evaluateModel } from './bert-evaluate.mjs';
import * as recipe from './bert-recipe.mjs';
import { lossCurve } from './chart.mjs';
import { corpusPackages, documentSizes } from './corpus.mjs';
import {
  multihead,
  publishModel,
  readLogs,
  root,
  toArguments,
  trainRuns,
  writeCorpus,
} from './making.mjs';
import { askAbout, packText } from './questions.mjs';

const { architecture, evaluation, name } = recipe;
process.chdir(fileURLToPath(new URL('.', import.meta.url)));
const work = `.cache/${name}`;
const { corpus, files } = await writeCorpus(work);
const tokenizerFolder = `${work}/tokenizer`;

const tokenizerCommand = [
  ...['train-tokenizer', files.train, '--out', tokenizerFolder],
  ...toArguments(recipe.tokenizer),
];
multihead(tokenizerCommand);
const command = ['pretrain', 'bert', files.train, '--tokenizer', tokenizerFolder];
const { runFolders, trainingCommands } = trainRuns(command, recipe, files.heldOut);
const modelFolder = runFolders.at(-1);

const tokenizer = await BertTokenizer.fromPretrained(modelFolder);
const pack = async (file) =>
  packText(await readFile(file, 'utf8'), tokenizer, architecture.positions);
const questions = askAbout(await pack(files.heldOut), tokenizer, evaluation);
const model = await evaluateModel(modelFolder, questions);
const baselines = evaluateBaselines(await pack(files.train), questions, tokenizer);
console.log({ model, ...baselines });

const destination = `${root}models/${name}`;
const published = await publishModel(modelFolder, destination);
const log = await readLogs(runFolders);
const levels = [
  { label: 'unigram', loss: baselines.unigram.loss },
  { label: 'bigram', loss: baselines.bigram.loss },
  { label: 'both neighbours', loss: baselines.neighbours.loss },
];
const curve = await lossCurve(log, levels, 'masked-token loss (nats)');
await writeFile(`${destination}/training-loss.svg`, curve);
const card = modelCard({
  ...{ name, recipe, log, model, baselines },
  commands: [tokenizerCommand, ...trainingCommands].map((args) => `multihead ${args.join(' ')}`),
  corpus: documentSizes(corpus),
  packages: corpusPackages(),
  ...published,
});
await writeFile(`${destination}/README.md`, card);
console.log(`\n${destination} is made.`);
