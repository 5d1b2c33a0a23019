import type { BatchInput } from '@multihead/tokenizers';
import { CliError } from './errors.js';
import { nameOfInput, readLineGroups, readLines } from './text.js';
import type { TokenizeOptions } from './tokenize-options.js';

/** A text to encode (or ids to decode), and where it comes from. */
export interface Input {
  text: string;
  pair?: string;
  /** The file and the line from 1, where it is of a file. */
  path?: string;
  line?: number;
}

type InputOptions = Pick<TokenizeOptions, 'file' | 'pair' | 'pairFile' | 'decode'>;

/** The texts of a command in groups: arguments, then files, as they come and with their pairs. */
export async function* readInputs(
  texts: readonly string[],
  { file = [], pair, pairFile, decode }: InputOptions,
): AsyncGenerator<Input[]> {
  const given = texts.length === 0 && file.length === 0 ? ['-'] : texts;
  // Ids as arguments are one text: `--decode 101 7592 102`.
  const places = decode && given.length > 1 ? [given.join(' ')] : given;
  const pairs = pairFile === undefined ? undefined : readLines(pairFile);
  for await (const group of readAll(places, file)) {
    for (const input of group) {
      if (pair !== undefined) input.pair = pair;
      if (pairs === undefined) continue;
      const { value, done } = await pairs.next();
      if (done) throw unequal(pairFile!, 'fewer');
      input.pair = value;
    }
    yield group;
  }
  if (pairs !== undefined && !(await pairs.next()).done) throw unequal(pairFile!, 'more');
}

async function* readAll(
  places: readonly string[],
  files: readonly string[],
): AsyncGenerator<Input[]> {
  let group: Input[] = [];
  for (const text of places) {
    if (text !== '-') {
      group.push({ text });
      continue;
    }
    if (group.length > 0) yield group;
    group = [];
    yield* readFile('-');
  }
  if (group.length > 0) yield group;
  for (const path of files) yield* readFile(path);
}

async function* readFile(path: string): AsyncGenerator<Input[]> {
  let line = 0;
  for await (const lines of readLineGroups(path)) {
    yield lines.map((text) => ({ text, path, line: ++line }));
  }
}

function unequal(path: string, how: string): CliError {
  return new CliError('BAD_INPUT', `${nameOfInput(path)} has ${how} lines than there are texts.`);
}

/** Words of a text that is cut at white space, with their places in it. */
export function wordsOf(text: string): { word: string; start: number }[] {
  return Array.from(text.matchAll(/\S+/g), ({ 0: word, index }) => ({ word, start: index }));
}

/** What a tokenizer takes for a text. */
export function toBatchInput({ text, pair }: Input, words = false): BatchInput {
  const cut = (given: string) => (words ? wordsOf(given).map(({ word }) => word) : given);
  return pair === undefined ? cut(text) : { text: cut(text), pair: cut(pair) };
}

/** The texts in the groups to encode: those that are padded alike together, and portions for threads. */
export function groupsToEncode(
  inputs: AsyncIterable<Input[]>,
  { padding, batchSize = Number.POSITIVE_INFINITY, threads }: TokenizeOptions,
): AsyncIterable<Input[]> {
  if (padding === 'longest') return regroup(inputs, (texts) => texts >= batchSize);
  if (threads !== undefined) return regroup(inputs, (_, characters) => characters >= PORTION);
  return inputs;
}

/** So many UTF-16 units of text go to a thread at a time. */
const PORTION = 1 << 18;

/** Groups of another size: each is handed on as soon as `isFull` says so of it. */
async function* regroup(
  groups: AsyncIterable<Input[]>,
  isFull: (texts: number, characters: number) => boolean,
): AsyncGenerator<Input[]> {
  let group: Input[] = [];
  let characters = 0;
  for await (const inputs of groups) {
    for (const input of inputs) {
      group.push(input);
      characters += input.text.length;
      if (!isFull(group.length, characters)) continue;
      yield group;
      group = [];
      characters = 0;
    }
  }
  if (group.length > 0) yield group;
}
