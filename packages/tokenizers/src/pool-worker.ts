// A thread of a TokenizerPool: takes texts, gives tokens as numbers.
import type { EncodeOptions } from './encode-options.js';
import { TokenizerError, type TokenizerErrorCode } from './errors.js';
import { loadTokenizer } from './load-tokenizer.js';
import { nodeModule } from './node-files.js';
import { type Lists, type PackedRows, packLists, packRows } from './pool-rows.js';
import type { BatchInput, Tokenizer } from './tokenizer.js';

/** What a thread is to do. */
export type Job =
  | { kind: 'start'; files: Record<string, string> }
  | { kind: 'ids'; inputs: readonly string[]; options: { addSpecialTokens: boolean } }
  | { kind: 'batch'; inputs: readonly BatchInput[]; options: EncodeOptions };

/** Lists of ids, or for batches rows of tokens. */
export type Answer = (Lists | PackedRows) & {
  error?: { code: TokenizerErrorCode; message: string };
};

let tokenizer: Tokenizer;

async function work(job: Job): Promise<Answer> {
  if (job.kind === 'start') {
    tokenizer = await loadTokenizer(job.files);
    return packLists([]);
  }
  if (job.kind === 'ids') {
    return packLists(job.inputs.map((text) => tokenizer.encodeIds(text, job.options)));
  }
  const { encodings } = tokenizer.encodeBatch(job.inputs, job.options);
  return packRows(encodings.map(({ rows }) => rows));
}

async function answer(job: Job): Promise<Answer> {
  try {
    return await work(job);
  } catch (error) {
    const code = error instanceof TokenizerError ? error.code : 'THREAD_FAILED';
    const message = error instanceof Error ? error.message : String(error);
    return { ...packLists([]), error: { code, message } };
  }
}

/** The buffers of an answer, which go over without being copied. */
function buffersOf(answer: Answer): ArrayBuffer[] {
  const lists = Object.values(answer).filter((value) => value instanceof Int32Array);
  return lists.map((list) => list.buffer as ArrayBuffer);
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
