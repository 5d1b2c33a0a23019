// Makes the vocabularies beside the embedded BERT's, measures all of them and writes their cards.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BertTokenizer, loadTokenizer } from '@multihead/tokenizers';
import { name as bert } from './bert-recipe.mjs';
import { corpusPackages, documentSizes } from './corpus.mjs';
import { tokenizerCard } from './tokenizer-card.mjs';
import { makeFiles, options, readLines, recipes } from './tokenizer-recipes.mjs';

const models = fileURLToPath(new URL('../../models/', import.meta.url));
const { corpus, training, heldOut } = await readLines();

const wordPiece = await BertTokenizer.fromPretrained(`${models}${bert}`);
const figures = [{ name: bert, method: "WordPiece, BERT's", ...measure(wordPiece) }];
for (const recipe of recipes) {
  const { name, method } = recipe;
  const folder = `${models}${name}`;
  const files = Object.entries(await makeFiles(recipe, training));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [file, content] of files) await writeFile(`${folder}/${file}`, content);
  // What is measured is what was written.
  figures.push({ name, method, ...measure(await loadTokenizer(folder)) });
}
for (const recipe of recipes) {
  const about = { ...recipe, trainer: recipe.train.name, ...options, figures };
  const card = tokenizerCard({
    ...about,
    corpus: documentSizes(corpus),
    packages: corpusPackages(),
  });
  await writeFile(`${models}${recipe.name}/README.md`, card);
}
console.table(figures);

/** How many characters of the held-out text a token has, and which part of the tokens is unknown. */
function measure(tokenizer) {
  let [tokens, unknown, characters] = [0, 0, 0];
  for (const line of heldOut) {
    const ids = tokenizer.encodeIds(line, { addSpecialTokens: false });
    tokens += ids.length;
    for (const id of ids) if (id === tokenizer.unkTokenId) unknown++;
    characters += [...line].length;
  }
  return {
    size: tokenizer.vocabSize,
    charactersPerToken: characters / tokens,
    unknown: unknown / tokens,
  };
}
