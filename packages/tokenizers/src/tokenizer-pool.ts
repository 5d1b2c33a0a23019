import type { EncodeOptions } from './encode-options.js';
import { BatchEncoding, Encoding } from './encoding.js';
import { badOption, TokenizerError, throwIfAborted } from './errors.js';
import { padToFit } from './fit.js';
import { type PackedRows, unpackLists, unpackRows } from './pool-rows.js';
import { startThread, type Thread } from './pool-thread.js';
import type { Answer, Job } from './pool-worker.js';
import type { BatchInput, Tokenizer } from './tokenizer.js';
import { tokenizerFiles } from './write-files.js';

export interface TokenizerPoolOptions {
  /** Number of worker threads (default: one for each processor, but one that is left to the page). */
  threads?: number;
}

interface Task {
  job: Job;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** So many UTF-16 units of text go to a thread at a time. */
const PORTION = 1 << 18;

/**
 * A tokenizer on several threads, for corpora: texts go out in portions, tokens come back as numbers,
 * without being copied.
 */
export class TokenizerPool {
  readonly #tokenizer: Tokenizer;
  readonly #threads: Set<Thread>;
  readonly #idle: Thread[];
  readonly #working = new Map<Thread, Task>();
  readonly #waiting: Task[] = [];
  /** Why there is nothing more to be had of it. */
  #end: TokenizerError | undefined;

  private constructor(tokenizer: Tokenizer, threads: Thread[]) {
    this.#tokenizer = tokenizer;
    this.#threads = new Set(threads);
    this.#idle = [...threads];
    for (const thread of threads) {
      thread.hold(false);
      thread.listen(
        (answer) => {
          const task = this.#working.get(thread);
          this.#working.delete(thread);
          thread.hold(false);
          this.#idle.push(thread);
          task?.resolve(answer);
          this.#assign();
        },
        (reason) => this.#lose(thread, reason),
      );
    }
  }

  /**
   * Starts the threads, each with the tokenizer as `tokenizerFiles` writes it.
   *
   * @throws TokenizerError `BAD_OPTION` for less than one thread or a tokenizer with dropout,
   * `THREAD_FAILED` if they cannot be started
   */
  static async create(
    tokenizer: Tokenizer,
    { threads = defaultThreads() }: TokenizerPoolOptions = {},
  ): Promise<TokenizerPool> {
    if (!Number.isSafeInteger(threads) || threads < 1) {
      badOption(`threads must be 1 or more, not ${threads}`);
    }
    if (tokenizer.parts.model.isRandom) {
      badOption(
        'with dropout, ids would depend on which thread is first: use the tokenizer itself',
      );
    }
    const started = Array.from({ length: threads }, startThread);
    const pool = new TokenizerPool(tokenizer, started);
    const files = { 'tokenizer.json': tokenizerFiles(tokenizer)['tokenizer.json']! };
    try {
      await Promise.all(started.map(() => pool.#run({ kind: 'start', files })));
    } catch (error) {
      await pool.dispose();
      throw error;
    }
    return pool;
  }

  /**
   * The ids of each text, as the tokenizer's own `encodeIds` gives them.
   *
   * @throws TokenizerError `ABORTED`, `THREAD_FAILED`, or what the tokenizer itself throws
   */
  async encodeIds(
    texts: readonly string[],
    options: { addSpecialTokens?: boolean; signal?: AbortSignal } = {},
  ): Promise<Int32Array[]> {
    const { signal, addSpecialTokens = true } = options;
    const answers = await this.#runAll(
      portions(texts).map((inputs) => ({ kind: 'ids', inputs, options: { addSpecialTokens } })),
      signal,
    );
    return answers.flatMap(unpackLists);
  }

  /**
   * What the tokenizer's own `encodeBatch` gives, offsets and all.
   *
   * @throws TokenizerError `ABORTED`, `THREAD_FAILED`, or what the tokenizer itself throws
   */
  async encodeBatch(
    inputs: readonly BatchInput[],
    options: Omit<EncodeOptions, 'pair'> & { signal?: AbortSignal } = {},
  ): Promise<BatchEncoding> {
    const { signal, ...given } = options;
    const plan = this.#tokenizer.plan(given); // a bad option fails here
    const { truncation, maxLength, stride = 0, truncationSide = 'right' } = plan;
    const forThread: EncodeOptions = {
      ...{ ...given, padding: false, padToMultipleOf: 0, truncation },
      ...(truncation && { maxLength: maxLength!, stride, truncationSide }),
    };
    const answers = await this.#runAll(
      portions(inputs).map((part) => ({ kind: 'batch', inputs: part, options: forThread })),
      signal,
    );
    const textOf = (id: number) => this.#tokenizer.idToToken(id);
    const texts = padToFit(
      answers.flatMap((answer) => unpackRows(answer as PackedRows)),
      plan,
      textOf,
    );
    return new BatchEncoding(texts.map((rows) => new Encoding(rows, textOf)));
  }

  /** Ends the threads; what they were still to do fails with `ABORTED`. */
  async dispose(): Promise<void> {
    this.#fail(new TokenizerError('ABORTED', 'the pool was disposed of'));
    const threads = [...this.#threads];
    this.#threads.clear();
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #runAll(jobs: Job[], signal: AbortSignal | undefined): Promise<Answer[]> {
    throwIfAborted(signal);
    const all = Promise.all(jobs.map((job) => this.#run(job)));
    if (signal === undefined) return all;
    const ours = new Set(jobs);
    let stop = () => {};
    const aborted = new Promise<never>((_, reject) => {
      stop = () => {
        // What waits is dropped at once; threads at work finish their portion for nobody.
        const others = this.#waiting.filter(({ job }) => !ours.has(job));
        this.#waiting.splice(0, this.#waiting.length, ...others);
        reject(new TokenizerError('ABORTED', 'aborted', { cause: signal.reason }));
      };
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([all, aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
      all.catch(() => {}); // after an abort nobody waits for it
    }
  }

  async #run(job: Job): Promise<Answer> {
    if (this.#end) throw new TokenizerError(this.#end.code, this.#end.message);
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#assign();
    });
    if (answer.error === undefined) return answer;
    throw new TokenizerError(answer.error.code, answer.error.message);
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const thread = this.#idle.shift()!;
      const task = this.#waiting.shift()!;
      this.#working.set(thread, task);
      thread.hold(true);
      thread.post(task.job);
    }
  }

  /** A thread ended by itself: its work fails, the others go on. */
  #lose(thread: Thread, reason: unknown): void {
    if (!this.#threads.delete(thread)) return;
    const message = `a thread of the pool failed (${reason instanceof Error ? reason.message : reason})`;
    const error = new TokenizerError('THREAD_FAILED', message, { cause: reason });
    this.#working.get(thread)?.reject(error);
    this.#working.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
    thread.terminate();
    if (this.#threads.size === 0) this.#fail(error);
  }

  /** Nothing more is done: neither what waits or is at work, nor what comes. */
  #fail(error: TokenizerError): void {
    this.#end ??= error;
    for (const task of [...this.#waiting.splice(0), ...this.#working.values()]) task.reject(error);
    this.#working.clear();
  }
}

/** Cuts a list into parts of about the same amount of text. */
function portions<T extends BatchInput>(inputs: readonly T[]): T[][] {
  const parts: T[][] = [];
  let part: T[] = [];
  let size = 0;
  for (const input of inputs) {
    part.push(input);
    size += sizeOf(input);
    if (size >= PORTION) {
      parts.push(part);
      part = [];
      size = 0;
    }
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** About how much text there is in an input. */
function sizeOf(input: BatchInput): number {
  if (typeof input === 'string') return input.length;
  if ('text' in input) return sizeOf(input.text) + sizeOf(input.pair ?? '');
  return input.reduce((sum, word) => sum + word.length, 0);
}

function defaultThreads(): number {
  return Math.max(1, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1);
}
