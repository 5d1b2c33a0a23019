// A thread of a TokenizerPool: takes texts, gives tokens as numbers.
import type { EncodeOptions } from './encode-options.js';
import { TokenizerError, type TokenizerErrorCode } from './errors.js';
import { loadTokenizer } from './load-tokenizer.js';
import { nodeModule } from './node-files.js';
import type { Rows } from './rows.js';
import type { BatchInput, Tokenizer } from './tokenizer.js';

/** What a thread is to do. */
export type Job =
  | { kind: 'start'; files: Record<string, string> }
  | { kind: 'ids'; inputs: readonly string[]; options: { addSpecialTokens: boolean } }
  | { kind: 'batch'; inputs: readonly BatchInput[]; options: EncodeOptions };

/** Rows of numbers, one after the other in few lists, so that these go over without being copied. */
export interface Answer {
  numbers: Int32Array;
  /** How many numbers each row has. */
  lengths: Int32Array;
  /** For batches: how many rows each text has, itself and its overflow. */
  parts?: Int32Array;
  /** For batches: by text, the texts of tokens that the id does not tell. */
  texts?: [index: number, texts: string[]][];
  error?: { code: TokenizerErrorCode; message: string };
}

let tokenizer: Tokenizer;

async function work(job: Job): Promise<Answer> {
  if (job.kind === 'start') {
    tokenizer = await loadTokenizer(job.files);
    return flattened([]);
  }
  if (job.kind === 'ids') {
    return flattened(job.inputs.map((text) => tokenizer.encodeIds(text, job.options)));
  }
  const { encodings } = tokenizer.encodeBatch(job.inputs, job.options);
  const rows = encodings.map((encoding) => encoding.rows);
  return {
    ...flattened(rows.flatMap((row) => [row, ...row.overflowing].map(({ cells }) => cells))),
    parts: Int32Array.from(rows, (row) => 1 + row.overflowing.length),
    texts: rows.flatMap(({ texts }: Rows, i): [number, string[]][] =>
      texts.length > 0 ? [[i, texts]] : [],
    ),
  };
}

function flattened(rows: readonly Int32Array[]): Answer {
  const numbers = new Int32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    numbers.set(row, at);
    at += row.length;
  }
  return { numbers, lengths: Int32Array.from(rows, (row) => row.length) };
}

async function answer(job: Job): Promise<Answer> {
  try {
    return await work(job);
  } catch (error) {
    const code = error instanceof TokenizerError ? error.code : 'THREAD_FAILED';
    const message = error instanceof Error ? error.message : String(error);
    return { ...flattened([]), error: { code, message } };
  }
}

/** The buffers of an answer, which go over without being copied. */
function buffersOf({ numbers, lengths, parts }: Answer): ArrayBuffer[] {
  return [numbers, lengths, ...(parts ? [parts] : [])].map((list) => list.buffer as ArrayBuffer);
}

/** A page's worker, as far as it is used here. */
interface Scope {
  onmessage: (event: { data: Job }) => void;
  postMessage(message: Answer, transfer: ArrayBuffer[]): void;
}

const threads = nodeModule<typeof import('node:worker_threads')>('worker_threads');
if (threads) {
  const { parentPort } = threads;
  parentPort?.on('message', async (job: Job) => {
    const result = await answer(job);
    parentPort.postMessage(result, buffersOf(result));
  });
} else {
  const scope = globalThis as unknown as Scope;
  scope.onmessage = async ({ data }) => {
    const result = await answer(data);
    scope.postMessage(result, buffersOf(result));
  };
}
