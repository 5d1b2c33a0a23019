// Makes models/gpt-mini-english from nothing: text, training, measuring, samples, model card. Stopped
// half-way, it goes on from the last checkpoint when it is started again.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadTokenizer } from '@multihead/tokenizers';
import { lossCurve } from './chart.mjs';
import { corpusPackages, documentSizes } from './corpus.mjs';
import { modelCard } from './gpt-card.mjs';
import * as recipe from './gpt-recipe.mjs';
import {
  outputOf,
  publishModel,
  readDocuments,
  readLogs,
  root,
  toArguments,
  trainRuns,
  writeCorpus,
  writeSamples,
} from './making.mjs';
import { evaluateNgrams } from './ngrams.mjs';

const { evaluation, name } = recipe;
process.chdir(fileURLToPath(new URL('.', import.meta.url)));
const work = `.cache/${name}`;
const { corpus, files } = await writeCorpus(work);
const tokenizerFolder = `../../models/${recipe.tokenizer}`;

const command = ['pretrain', 'gpt', files.train, '--paragraphs', '--tokenizer', tokenizerFolder];
const { runFolders, trainingCommands } = trainRuns(command, recipe, files.heldOut);
const modelFolder = runFolders.at(-1);

const evaluationCommand = [
  ...['evaluate', files.heldOut, '--paragraphs', '--model', modelFolder],
  ...toArguments(evaluation),
];
const model = JSON.parse(outputOf([...evaluationCommand, '--json', '--quiet']));
const tokenizer = await loadTokenizer(tokenizerFolder);
const train = await readDocuments(files.train, tokenizer);
const ngrams = evaluateNgrams(train, await readDocuments(files.heldOut, tokenizer), {
  orders: [1, 2, 3, 4],
  vocabSize: tokenizer.vocabSize,
  eosTokenId: tokenizer.eosTokenId,
  bytes: model.bytes,
});
console.log({ model, ngrams });
if (ngrams.some(({ tokens }) => tokens !== model.tokens)) {
  throw new Error('The model and the n-grams were not asked about the same tokens.');
}

const destination = `${root}models/${name}`;
const published = await publishModel(modelFolder, destination);
const log = await readLogs(runFolders);
const levels = ngrams.map(({ order, loss }) => ({ label: `${order}-gram`, loss }));
const curve = await lossCurve(log, levels, 'loss of the next token (nats)');
await writeFile(`${destination}/training-loss.svg`, curve);
const texts = writeSamples(recipe, destination);
const card = modelCard({
  ...{ name, recipe, log, model, ngrams, texts },
  commands: trainingCommands.map((args) => `multihead ${args.join(' ')}`),
  trainingTokens: train.reduce((sum, { length }) => sum + length, 0),
  corpus: documentSizes(corpus),
  packages: corpusPackages(),
  ...published,
});
await writeFile(`${destination}/README.md`, card);
console.log(`\n${destination} is made.`);
