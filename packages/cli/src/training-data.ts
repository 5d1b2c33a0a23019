import { Random } from '@multihead/nn';
import { CliError } from './errors.js';
import type { Progress } from './progress.js';
import { nameOfInput } from './text.js';
import type { TrainingOptions } from './training-options.js';

/** Rows of ids to train and to measure on. */
export interface TrainingData {
  train: Int32Array[];
  heldOut: Int32Array[];
  documents: number;
  tokens: number;
}

/** How a family makes rows of texts. */
export interface DataRecipe {
  /** The documents of files, each in parts. */
  documents(files: readonly string[]): AsyncIterable<Iterable<string> | AsyncIterable<string>>;
  /** Ids of a part of a document. */
  encode(text: string): Int32Array;
  /** Cuts documents into rows. */
  pack(documents: Int32Array[]): Int32Array[];
}

/** Tokenizes text files and packs them into rows, whole documents held out. */
export async function readTrainingData(
  files: readonly string[],
  recipe: DataRecipe,
  options: TrainingOptions,
  progress: Progress,
): Promise<TrainingData> {
  const { evalFiles = [], evalFraction, seed } = options;
  const read = (paths: readonly string[]) => tokenizeDocuments(paths, recipe, progress);
  try {
    const documents = await read(files);
    const heldOut = await read(evalFiles);
    const chosen =
      evalFraction > 0 ? holdOut(documents, evalFraction, seed) : documents.map(() => false);
    heldOut.push(...documents.filter((_, i) => chosen[i]));
    const train = documents.filter((_, i) => !chosen[i]);
    const names = files.map(nameOfInput).join(', ');
    if (train.length === 0) throw new CliError('BAD_INPUT', `There is no text in ${names}.`);
    const tokens = train.reduce((sum, { length }) => sum + length, 0);
    return {
      train: recipe.pack(train),
      heldOut: recipe.pack(heldOut),
      documents: train.length,
      tokens,
    };
  } finally {
    progress.stop();
  }
}

/** Ids of each document. */
export async function tokenizeDocuments(
  paths: readonly string[],
  { documents: read, encode }: Pick<DataRecipe, 'documents' | 'encode'>,
  progress: Progress,
): Promise<Int32Array[]> {
  const documents: Int32Array[] = [];
  let tokens = 0;
  for await (const document of read(paths)) {
    const parts: Int32Array[] = [];
    for await (const part of document) {
      const ids = encode(part);
      parts.push(ids);
      tokens += ids.length;
      progress.update({
        done: 0,
        note: `${documents.length + 1} documents, ${tokens.toLocaleString('en')} tokens`,
      });
    }
    const ids = joined(parts);
    if (ids.length > 0) documents.push(ids);
  }
  return documents;
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const ids = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    ids.set(part, at);
    at += part.length;
  }
  return ids;
}

/** Chooses whole documents by the seed until they have this share of the tokens. */
function holdOut(documents: readonly Int32Array[], fraction: number, seed: number): boolean[] {
  if (documents.length < 2) {
    throw new CliError(
      'USAGE',
      '--eval-fraction holds out whole documents, and there is only one: part documents by blank lines (for a GPT with --paragraphs), or give --eval-files.',
    );
  }
  const order = new Random(seed, 'held-out').shuffle(documents.map((_, i) => i));
  const wanted = fraction * documents.reduce((sum, { length }) => sum + length, 0);
  const chosen = documents.map(() => false);
  let held = 0;
  for (const i of order.slice(1)) {
    if (held >= wanted) break;
    chosen[i] = true;
    held += documents[i]!.length;
  }
  return chosen;
}
