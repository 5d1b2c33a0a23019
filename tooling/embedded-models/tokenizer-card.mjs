// The card of a vocabulary, written from what was made and measured.
import { sourceRows } from './sources.mjs';

/**
 * @param about `{ name, method, trainer, vocabSize, minFrequency, files, figures, corpus, packages }`
 */
export function tokenizerCard(about) {
  const { name, method, trainer, vocabSize, minFrequency, files, figures } = about;
  const size = vocabSize.toLocaleString('en');
  return `---
license: apache-2.0
language: en
---

# ${name}

A vocabulary of ${size} entries: ${method}.

It was learned from the same public English texts as the others of \`models/\` and is as large, so that
one can compare what the methods make of a text, as the demo's page "Tokens" does. No model goes with it.

\`\`\`js
import { loadTokenizer } from '@multihead/tokenizers';

const tokenizer = await loadTokenizer('models/${name}');
console.log(tokenizer.encode('The whalers returned.').tokens);
\`\`\`

Files: ${files.map((file) => `\`${file}\``).join(', ')}.

## What it reaches

On the held-out documents, none of which any of them has seen. An unknown token stands for
characters that the vocabulary cannot write.

| vocabulary | entries | characters per token | unknown tokens |
|---|---:|---:|---:|
${figures.map((row) => figureRow(row, name)).join('\n')}

## How it was made

\`node scripts/pnpm.mjs --filter @multihead/embedded-models run tokenizers\` makes it again in some
seconds, byte for byte: \`${trainer}(lines, { vocabSize: ${vocabSize}, minFrequency: ${minFrequency} })\` of \`@multihead/tokenizers\`.

## The text

| source | documents | words | held out | licence |
|---|---:|---:|---:|---|
${sourceRows(about)}

The texts are read from the installed packages and are not in this repository; words are listed, no
sentence is. Held out are whole documents, chosen by a hash of their names.

## Use and limits

For demonstrations, tests and small English models. It is of American political prose from 1790 on,
one novel and the English of 1961: it has no word that is younger, and few that are not English.
`;
}

function figureRow({ name, method, size, charactersPerToken, unknown }, own) {
  const title = `\`${name}\`: ${method}`;
  const cells = [
    name === own ? `**${title}**` : title,
    size.toLocaleString('en'),
    charactersPerToken.toFixed(2),
    `${(100 * unknown).toFixed(unknown === 0 ? 0 : 2)} %`,
  ];
  return `| ${cells.join(' | ')} |`;
}
