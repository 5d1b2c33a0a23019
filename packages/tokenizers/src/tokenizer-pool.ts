import { type EncodeOptions, planEncoding } from './encode-options.js';
import { TokenizerError, throwIfAborted } from './errors.js';
import { isNode, nodeModule } from './node-files.js';
import type { Answer, Job } from './pool-worker.js';
import type { BatchInput, Tokenizer } from './tokenizer.js';

export interface TokenizerPoolOptions {
  /** Number of worker threads (default: one for each processor, but one that is left to the page). */
  threads?: number;
}

/** What models take: a row for each text. */
export interface IdBatch {
  inputIds: Int32Array[];
  attentionMask: Int32Array[];
  tokenTypeIds: Int32Array[];
}

/** A worker of Node's or of a page's. */
interface Thread {
  post(job: Job): void;
  onAnswer(listen: (answer: Answer) => void, fail: (error: unknown) => void): void;
  terminate(): unknown;
}

interface Task {
  job: Job;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** So many UTF-16 units of text go to a thread at a time. */
const PORTION = 1 << 18;

/**
 * A tokenizer on several threads, for corpora: texts go out in portions, ids come back without being
 * copied. For what else an `Encoding` has, such as offsets, use the tokenizer itself.
 */
export class TokenizerPool {
  readonly #tokenizer: Tokenizer;
  readonly #threads: Thread[];
  readonly #idle: Thread[];
  readonly #working = new Map<Thread, Task>();
  readonly #waiting: Task[] = [];
  #isDisposed = false;

  private constructor(tokenizer: Tokenizer, threads: Thread[]) {
    this.#tokenizer = tokenizer;
    this.#threads = threads;
    this.#idle = [...threads];
    for (const thread of threads) {
      const finish = (settle: (task: Task) => void) => {
        const task = this.#working.get(thread);
        if (task === undefined) return;
        this.#working.delete(thread);
        this.#idle.push(thread);
        settle(task);
        this.#assign();
      };
      thread.onAnswer(
        (answer) => finish((task) => task.resolve(answer)),
        (error) => finish((task) => task.reject(error)),
      );
    }
  }

  /** Starts the threads, each with the tokenizer as `toFiles` writes it. */
  static async create(
    tokenizer: Tokenizer,
    { threads = defaultThreads() }: TokenizerPoolOptions = {},
  ): Promise<TokenizerPool> {
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new TokenizerError('BAD_OPTION', `threads must be 1 or more, not ${threads}`);
    }
    const { model } = tokenizer.parts;
    if ('isDeterministic' in model && !model.isDeterministic) {
      throw new TokenizerError(
        'BAD_OPTION',
        'with dropout, ids would depend on which thread is first: use the tokenizer itself',
      );
    }
    const started = await Promise.all(Array.from({ length: threads }, startThread));
    const pool = new TokenizerPool(tokenizer, started);
    const files = { 'tokenizer.json': tokenizer.toFiles()['tokenizer.json']! };
    try {
      await Promise.all(started.map(() => pool.#run({ kind: 'start', files })));
    } catch (error) {
      await pool.dispose();
      throw error;
    }
    return pool;
  }

  /** The ids of each text, as the tokenizer's own `encodeIds` gives them. */
  async encodeIds(
    texts: readonly string[],
    options: { addSpecialTokens?: boolean; signal?: AbortSignal } = {},
  ): Promise<Int32Array[]> {
    const { signal, addSpecialTokens = true } = options;
    const answers = await this.#runAll(
      portions(texts).map((inputs) => ({ kind: 'ids', inputs, options: { addSpecialTokens } })),
      signal,
    );
    return answers.flatMap(({ ids, lengths }) => rowsOf(ids, lengths));
  }

  /** What a model takes for a batch, as the tokenizer's own `encodeBatch` has it. */
  async encodeBatch(
    inputs: readonly BatchInput[],
    options: Omit<EncodeOptions, 'pair' | 'returnOverflowing'> & { signal?: AbortSignal } = {},
  ): Promise<IdBatch> {
    const { signal, ...encodeOptions } = options;
    const { parts, specialTokens, padTokenId, modelMaxLength } = this.#tokenizer;
    const { padding, truncation } = planEncoding(
      { ...parts, padToken: specialTokens.padToken, padTokenId, modelMaxLength },
      encodeOptions,
    );
    const answers = await this.#runAll(
      portions(inputs).map((part) => ({
        kind: 'batch',
        inputs: part,
        options: {
          addSpecialTokens: encodeOptions.addSpecialTokens ?? true,
          padding: false,
          truncation: truncation?.strategy ?? false,
          ...(truncation && { maxLength: truncation.maxLength, truncationSide: truncation.side }),
        },
      })),
      signal,
    );
    const ids = answers.flatMap((answer) => rowsOf(answer.ids, answer.lengths));
    const types = answers.flatMap((answer) => rowsOf(answer.types!, answer.lengths));
    const ones = ids.map((row) => new Int32Array(row.length).fill(1));
    if (padding === undefined) return { inputIds: ids, attentionMask: ones, tokenTypeIds: types };
    let length = padding.length ?? ids.reduce((most, row) => Math.max(most, row.length), 0);
    const multiple = Math.max(padding.toMultipleOf, 1);
    length = Math.ceil(length / multiple) * multiple;
    const pad = (rows: Int32Array[], value: number) =>
      rows.map((row) => padRow(row, length, value, padding.side));
    return {
      inputIds: pad(ids, padding.id),
      attentionMask: pad(ones, 0),
      tokenTypeIds: pad(types, padding.typeId),
    };
  }

  /** Ends the threads; what they were still to do fails with `ABORTED`. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const left = [...this.#waiting.splice(0), ...this.#working.values()];
    this.#working.clear();
    for (const task of left) task.reject(new TokenizerError('ABORTED', 'the pool was disposed of'));
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #runAll(jobs: Job[], signal: AbortSignal | undefined): Promise<Answer[]> {
    throwIfAborted(signal);
    const isOurs = new Set<Job>(jobs);
    const stop = () => {
      for (let i = this.#waiting.length - 1; i >= 0; i--) {
        if (!isOurs.has(this.#waiting[i]!.job)) continue;
        const [task] = this.#waiting.splice(i, 1);
        task!.reject(new TokenizerError('ABORTED', 'aborted', { cause: signal?.reason }));
      }
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const answers = await Promise.all(jobs.map((job) => this.#run(job)));
      throwIfAborted(signal);
      return answers;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  #run(job: Job): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      if (this.#isDisposed) throw new TokenizerError('ABORTED', 'the pool was disposed of');
      this.#waiting.push({ job, resolve, reject });
      this.#assign();
    }).then((answer) => {
      if (answer.error === undefined) return answer;
      throw new TokenizerError(answer.error.code, answer.error.message);
    });
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const thread = this.#idle.shift()!;
      const task = this.#waiting.shift()!;
      this.#working.set(thread, task);
      thread.post(task.job);
    }
  }
}

/** Cuts a list into parts of about the same amount of text. */
function portions<T extends BatchInput>(inputs: readonly T[]): T[][] {
  const parts: T[][] = [];
  let part: T[] = [];
  let size = 0;
  for (const input of inputs) {
    part.push(input);
    size += typeof input === 'string' ? input.length : 256;
    if (size >= PORTION) {
      parts.push(part);
      part = [];
      size = 0;
    }
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** Rows of a flat list, as views of it. */
function rowsOf(flat: Int32Array, lengths: Int32Array): Int32Array[] {
  let at = 0;
  return Array.from(lengths, (length) => {
    at += length;
    return flat.subarray(at - length, at);
  });
}

function padRow(
  row: Int32Array,
  length: number,
  value: number,
  side: 'left' | 'right',
): Int32Array {
  if (row.length >= length) return row;
  const padded = new Int32Array(length).fill(value);
  padded.set(row, side === 'left' ? length - row.length : 0);
  return padded;
}

function defaultThreads(): number {
  return Math.max(1, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1);
}

async function startThread(): Promise<Thread> {
  if (isNode()) {
    const threads = await nodeModule<typeof import('node:worker_threads')>('worker_threads');
    const worker = new threads.Worker(new URL('./pool-worker.js', import.meta.url));
    worker.unref();
    return {
      post: (job) => worker.postMessage(job),
      onAnswer: (listen, fail) => {
        worker.on('message', listen);
        worker.on('error', fail);
      },
      terminate: () => worker.terminate(),
    };
  }
  // Written as bundlers look for it.
  const worker = new Worker(new URL('./pool-worker.js', import.meta.url), { type: 'module' });
  return {
    post: (job) => worker.postMessage(job),
    onAnswer: (listen, fail) => {
      worker.addEventListener('message', ({ data }) => listen(data as Answer));
      worker.addEventListener('error', fail);
    },
    terminate: () => worker.terminate(),
  };
}
