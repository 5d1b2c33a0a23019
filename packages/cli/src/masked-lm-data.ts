import { Random } from '@multihead/nn';
import type { BertTokenizer } from '@multihead/tokenizers';
import { packDocuments } from '@multihead/training';
import { CliError } from './errors.js';
import type { Progress } from './progress.js';
import { readDocuments } from './text.js';
import type { TrainingOptions } from './training-options.js';

/** Blocks of ids `[CLS] … [SEP]` to train and to measure on. */
export interface MaskedLMData {
  train: Int32Array[];
  heldOut: Int32Array[];
  documents: number;
  tokens: number;
}

/** Tokenizes text files and packs them into blocks of `maxLength`, whole documents held out. */
export async function readMaskedLMData(
  files: readonly string[],
  tokenizer: BertTokenizer,
  options: TrainingOptions & { maxLength: number },
  progress: Progress,
): Promise<MaskedLMData> {
  const { evalFiles = [], evalFraction, seed, maxLength } = options;
  const read = (paths: readonly string[]) => tokenizeDocuments(paths, tokenizer, progress);
  const documents = await read(files);
  const heldOut = await read(evalFiles);
  const chosen =
    evalFraction > 0 ? holdOut(documents, evalFraction, seed) : documents.map(() => false);
  heldOut.push(...documents.filter((_, i) => chosen[i]));
  const train = documents.filter((_, i) => !chosen[i]);
  if (train.length === 0)
    throw new CliError('BAD_INPUT', `There is no text in ${files.join(', ')}.`);

  const { clsTokenId, sepTokenId } = tokenizer;
  const pack = (some: Int32Array[]) => packDocuments(some, { maxLength, clsTokenId, sepTokenId });
  const tokens = train.reduce((sum, { length }) => sum + length, 0);
  return { train: pack(train), heldOut: pack(heldOut), documents: train.length, tokens };
}

async function tokenizeDocuments(
  paths: readonly string[],
  tokenizer: BertTokenizer,
  progress: Progress,
): Promise<Int32Array[]> {
  const documents: Int32Array[] = [];
  let tokens = 0;
  for await (const lines of readDocuments(paths)) {
    const parts = lines.map((line) => tokenizer.encodeIds(line, { addSpecialTokens: false }));
    const ids = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      ids.set(part, at);
      at += part.length;
    }
    if (ids.length > 0) documents.push(ids);
    tokens += ids.length;
    progress.update({
      done: 0,
      note: `${documents.length} documents, ${tokens.toLocaleString('en')} tokens`,
    });
  }
  return documents;
}

/** Chooses whole documents by the seed until they have this share of the tokens. */
function holdOut(documents: readonly Int32Array[], fraction: number, seed: number): boolean[] {
  if (documents.length < 2) {
    throw new CliError(
      'USAGE',
      '--eval-fraction holds out whole documents, and there is only one: part documents by blank lines, or give --eval-files.',
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
