// What the cards of the models that go on with a text have in common.

export const count = (value) => Math.round(value).toLocaleString('en');

/** How much of the text a model was given: "76 % once", "2.1 passes". */
export const given = (tokens, all) =>
  tokens < all
    ? `${Math.round((100 * tokens) / all)} % once`
    : `${(tokens / all).toFixed(1)} passes`;

const TITLES = {
  1: 'unigram: how frequent the token is',
  2: 'bigram: after one token',
  3: 'trigram: after two tokens',
  4: '4-gram: after three tokens',
};

export const ngramRows = (ngrams) =>
  ngrams.map((ngram) => row(TITLES[ngram.order], ngram)).join('\n');

/** A row of the table of what is reached. */
export function row(title, { perplexity, bitsPerByte }) {
  return `| ${title} | ${perplexity.toFixed(1)} | ${bitsPerByte.toFixed(3)} |`;
}

/** What the model wrote, and by which options. */
export function sample({ prompt, flags, text }) {
  const written = text.slice(prompt.length).replace(/\s*\n\s*/g, ' ¶ ');
  return `\`${flags.join(' ')}\`\n\n> **${prompt}**${written}`;
}
