// A thread of a TokenizerPool: takes texts, gives ids.
import type { EncodeOptions } from './encode-options.js';
import { TokenizerError, type TokenizerErrorCode } from './errors.js';
import { loadTokenizer } from './load-tokenizer.js';
import { isNode, nodeModule } from './node-files.js';
import type { BatchInput, Tokenizer } from './tokenizer.js';

/** What a thread is to do. */
export type Job =
  | { kind: 'start'; files: Record<string, string> }
  | { kind: 'ids'; inputs: readonly string[]; options: { addSpecialTokens: boolean } }
  | { kind: 'batch'; inputs: readonly BatchInput[]; options: EncodeOptions };

/** Rows of ids one after the other, and for batches their types. */
export interface Answer {
  ids: Int32Array;
  types?: Int32Array;
  lengths: Int32Array;
  error?: { code: TokenizerErrorCode; message: string };
}

const NOTHING = new Int32Array(0);
let tokenizer: Tokenizer;

async function work(job: Job): Promise<Answer> {
  if (job.kind === 'start') {
    tokenizer = await loadTokenizer(job.files);
    return { ids: NOTHING.slice(), lengths: NOTHING.slice() };
  }
  if (job.kind === 'ids') {
    const rows = job.inputs.map((text) => tokenizer.encodeIds(text, job.options));
    return { ids: flatten(rows), lengths: lengthsOf(rows) };
  }
  const { inputIds, tokenTypeIds } = tokenizer.encodeBatch(job.inputs, job.options);
  return { ids: flatten(inputIds), types: flatten(tokenTypeIds), lengths: lengthsOf(inputIds) };
}

function lengthsOf(rows: readonly ArrayLike<number>[]): Int32Array {
  return Int32Array.from(rows, (row) => row.length);
}

function flatten(rows: readonly ArrayLike<number>[]): Int32Array {
  const flat = new Int32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    flat.set(row, at);
    at += row.length;
  }
  return flat;
}

async function answer(job: Job): Promise<Answer> {
  try {
    return await work(job);
  } catch (error) {
    const code = error instanceof TokenizerError ? error.code : 'BAD_FILE';
    const message = error instanceof Error ? error.message : String(error);
    return { ids: NOTHING.slice(), lengths: NOTHING.slice(), error: { code, message } };
  }
}

/** The buffers of an answer, which go over without being copied. */
function buffersOf({ ids, types, lengths }: Answer): ArrayBuffer[] {
  return [ids, lengths, ...(types ? [types] : [])].map((list) => list.buffer as ArrayBuffer);
}

/** A page's worker, as far as it is used here. */
interface Scope {
  onmessage: (event: { data: Job }) => void;
  postMessage(message: Answer, transfer: ArrayBuffer[]): void;
}

if (isNode()) {
  // No `await` at the top level: bundlers make a classic script of a worker.
  nodeModule<typeof import('node:worker_threads')>('worker_threads').then(({ parentPort }) => {
    parentPort?.on('message', async (job: Job) => {
      const result = await answer(job);
      parentPort.postMessage(result, buffersOf(result));
    });
  });
} else {
  const scope = globalThis as unknown as Scope;
  scope.onmessage = async ({ data }) => {
    const result = await answer(data);
    scope.postMessage(result, buffersOf(result));
  };
}
