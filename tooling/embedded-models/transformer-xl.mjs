// Makes models/transformer-xl-mini-english from nothing: text, vocabulary, training, measuring, samples,
// model card. Stopped half-way, it goes on from the last checkpoint when it is started again.
import { copyFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadTokenizer } from '@multihead/tokenizers';
import { TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import { lossCurve } from './chart.mjs';
import { corpusPackages, documentSizes } from './corpus.mjs';
import {
  multihead,
  publishModel,
  readDocuments,
  readLogs,
  readTexts,
  root,
  toArguments,
  trainRuns,
  writeCorpus,
  writeSamples,
} from './making.mjs';
import { evaluateMemoryLengths } from './memory-lengths.mjs';
import { evaluateNgrams } from './ngrams.mjs';
import { spellingNats, unknownWords } from './spelling.mjs';
import { modelCard } from './transformer-xl-card.mjs';
import * as recipe from './transformer-xl-recipe.mjs';

const { evaluation, generation, name } = recipe;
process.chdir(fileURLToPath(new URL('.', import.meta.url)));
const work = `.cache/${name}`;
const { corpus, files } = await writeCorpus(work);
const tokenizerFolder = `${work}/tokenizer`;

const tokenizerCommand = [
  ...['train-tokenizer', files.train, '--out', tokenizerFolder],
  ...toArguments(recipe.tokenizer),
];
multihead(tokenizerCommand);
const command = [
  ...['pretrain', 'transformer-xl', files.train, '--paragraphs'],
  ...['--tokenizer', tokenizerFolder],
];
const { runFolders, trainingCommands } = trainRuns(command, recipe, files.heldOut);
const modelFolder = runFolders.at(-1);

const tokenizer = await loadTokenizer(modelFolder);
const train = await readDocuments(files.train, tokenizer);
const heldOut = await readDocuments(files.heldOut, tokenizer);
const texts = await readTexts(files.heldOut);
const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
const unknown = unknownWords(texts, tokenizer);
const spelling = spellingNats(unknownWords(await readTexts(files.train), tokenizer), unknown);
const withSpelling = (one) => ({
  ...one,
  bitsPerByte: (one.loss * one.tokens + spelling) / Math.LN2 / bytes,
});
const ngrams = evaluateNgrams(train, heldOut, {
  orders: [1, 2, 3, 4],
  vocabSize: tokenizer.vocabSize,
  eosTokenId: tokenizer.eosTokenId,
  bytes,
}).map(withSpelling);
console.log(ngrams);

await useWasm();
const model = await TransfoXLLMHeadModel.fromPretrained(modelFolder);
const memories = (await evaluateMemoryLengths(model, heldOut, evaluation)).map(withSpelling);
model.dispose();
if ([...ngrams, ...memories].some(({ tokens }) => tokens !== ngrams[0].tokens)) {
  throw new Error('The model and the n-grams were not asked about the same tokens.');
}

const destination = `${root}models/${name}`;
const { parameters, bytes: size } = await publishModel(modelFolder, destination);
// A third of tokenizer.json, for pages.
await copyFile(`${tokenizerFolder}/vocab.txt`, `${destination}/vocab.txt`);
const ids = generation.neverWritten.map((token) => tokenizer.tokenToId(token));
const settings = { eos_token_id: tokenizer.eosTokenId, suppress_tokens: ids };
await writeFile(`${destination}/generation_config.json`, `${JSON.stringify(settings, null, 2)}\n`);
const log = await readLogs(runFolders);
const levels = ngrams.map(({ order, loss }) => ({ label: `${order}-gram`, loss }));
const curve = await lossCurve(log, levels, 'loss of the next word (nats)');
await writeFile(`${destination}/training-loss.svg`, curve);
const card = modelCard({
  ...{ name, recipe, log, ngrams, memories, bytes },
  texts: writeSamples(recipe, destination),
  commands: [tokenizerCommand, ...trainingCommands].map((args) => `multihead ${args.join(' ')}`),
  trainingTokens: train.reduce((sum, { length }) => sum + length, 0),
  unknown: unknown.length / heldOut.reduce((sum, { length }) => sum + length, 0),
  spellingBits: spelling / Math.LN2 / bytes,
  corpus: documentSizes(corpus),
  packages: corpusPackages(),
  ...{ parameters, size },
});
await writeFile(`${destination}/README.md`, card);
console.log(`\n${destination} is made.`);
