/*
 * Threads of our own, since tfjs has none in Node and its own break in minified pages. The backend's
 * memory is shared with workers that have the same kernels. A job is one of the kernels' functions and
 * a list of calls, each for a part of the work; whoever is free takes the next, the caller too. Which
 * thread computes a part changes no bit of it.
 */
import { WasmError } from './errors.js';

type Functions = readonly ((...args: number[]) => number)[];

/** The words, in memory that all share, by which the threads know what to do. */
const TURN = 0;
/** How many parts nobody has taken yet; not above 0 between jobs, so that who comes late finds none. */
const LEFT = 1;
const PARTS = 2;
const PENDING = 3;
const FAILED = 4;
const CALLED = 5;
const ARGUMENTS = 6;
/** How many workers have started, or will not. */
const SETTLED = 7;
/** Which threads the words are for: others leave. */
const OWNER = 8;
const WORDS = 16;
export const MAX_PARTS = 64;
const MAX_ARGUMENTS = 48;
/** The calls' arguments one after the other, as float64, and then what each call gave back. */
const NUMBERS = MAX_PARTS * (MAX_ARGUMENTS + 1);
/** Looks at TURN before a worker goes to sleep, about 1 ms: from one op to the next it stays awake. */
const PATIENCE = 200_000;
/** Milliseconds that a worker has to start; it may still join later. */
const PATIENT = 2000;
/** No part takes so many milliseconds: the worker that had it is gone. */
const LOST = 60_000;

/** Bytes of shared memory that a pool needs. */
export const CONTROL_BYTES: number = 4 * WORDS + 8 * NUMBERS;

/**
 * Takes parts of the job until none is left, and says how many. Workers get it as text, which a
 * minifier may have written: it knows nothing but its arguments.
 */
function takeParts(words: Int32Array, numbers: Float64Array, functions: Functions): number {
  // The words below are LEFT, PARTS, PENDING, FAILED, CALLED and ARGUMENTS: the text has no such names.
  for (let taken = 0; ; taken++) {
    const part = Atomics.sub(words, 1, 1) - 1;
    if (part < 0) return taken;
    const size = words[6]!;
    try {
      const given = numbers.subarray(part * size, (part + 1) * size);
      numbers[words[2]! * size + part] = functions[words[5]!]!(...given);
    } catch {
      Atomics.store(words, 4, 1);
    }
    Atomics.sub(words, 3, 1);
  }
}

/** What a worker runs. It travels as text, so that no bundler has to find a file. */
const workerText = (): string => `
const takeParts = ${takeParts};
function start({ module, memory, at, owner }) {
  const words = new Int32Array(memory.buffer, at, ${WORDS});
  const numbers = new Float64Array(memory.buffer, at + ${4 * WORDS}, ${NUMBERS});
  const functions = Object.values(new WebAssembly.Instance(module, { env: { memory } }).exports);
  Atomics.add(words, ${SETTLED}, 1);
  for (let turn = 0; Atomics.load(words, ${OWNER}) === owner; turn = Atomics.load(words, ${TURN})) {
    takeParts(words, numbers, functions);
    for (let looks = 0; Atomics.load(words, ${TURN}) === turn; looks++)
      if (looks > ${PATIENCE}) Atomics.wait(words, ${TURN}, turn);
  }
}`;

interface NodeBuiltins {
  'node:worker_threads': {
    Worker: new (
      text: string,
      options: { eval: true; workerData: object },
    ) => { unref(): void; on(event: string, listener: () => void): void };
  };
  'node:os': { availableParallelism(): number };
}

/** Node's modules, without an import that a bundler for pages would look for. */
function builtin<Name extends keyof NodeBuiltins>(name: Name): NodeBuiltins[Name] | undefined {
  const { process } = globalThis as {
    process?: { versions?: { node?: string }; getBuiltinModule?(name: string): unknown };
  };
  if (!process?.versions?.node) return undefined;
  return process.getBuiltinModule?.(name) as NodeBuiltins[Name] | undefined;
}

/** Where threads start at once, and cost nothing before there is work for them. */
export function inNode(): boolean {
  return builtin('node:worker_threads') !== undefined;
}

/** How many threads there can be at once: the processors, at most 4 unless more are asked for. */
export function usualThreads(): number {
  const cores =
    builtin('node:os')?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency;
  return Math.max(1, Math.min(cores ?? 1, 4));
}

/** Starts a worker of Node or of a page; false where that is forbidden. One that fails later leaves its share to the others. */
function startThread(given: object, settled: () => void): boolean {
  const node = builtin('node:worker_threads');
  if (node) {
    const text = `${workerText()}\nstart(require('node:worker_threads').workerData);`;
    const worker = new node.Worker(text, { eval: true, workerData: given });
    worker.on('error', () => {});
    worker.unref(); // a program may end while its threads sleep
    return true;
  }
  try {
    const text = `${workerText()}\nonmessage = ({ data }) => { start(data); close(); };`;
    const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
    const worker = new Worker(url);
    worker.onerror = (event) => {
      event.preventDefault();
      settled();
    };
    worker.postMessage(given);
    return true;
  } catch {
    return false; // a content security policy, say
  }
}

/** The threads of one backend's memory. They start with `start`, or else with the first job. */
export class ThreadPool {
  /** How many parts other threads than the calling one have taken. */
  partsOfOthers = 0;
  #running = false;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #functions: Functions;
  readonly #names: readonly string[];
  readonly #given: object;

  /**
   * @param size threads at work, the calling one included
   * @param at where `CONTROL_BYTES` of the memory are the pool's
   */
  constructor(
    readonly size: number,
    memory: WebAssembly.Memory,
    module: WebAssembly.Module,
    exports: object,
    at: number,
  ) {
    this.#words = new Int32Array(memory.buffer, at, WORDS);
    this.#numbers = new Float64Array(memory.buffer, at + 4 * WORDS, NUMBERS);
    this.#words.fill(0, LEFT, OWNER); // TURN and OWNER go on: threads of an earlier pool look at them
    this.#names = Object.keys(exports);
    this.#functions = Object.values(exports);
    this.#given = { module, memory, at };
  }

  /** Makes the calls, all of the same number of arguments; gives what each returned, in order. */
  run(name: string, calls: readonly (readonly (number | boolean)[])[]): number[] {
    if (calls.length > MAX_PARTS) {
      const first = this.run(name, calls.slice(0, MAX_PARTS));
      return [...first, ...this.run(name, calls.slice(MAX_PARTS))];
    }
    this.#start();
    const [words, numbers, size] = [this.#words, this.#numbers, calls[0]!.length];
    if (size > MAX_ARGUMENTS) throw new RangeError(`${name}: ${size} arguments are too many.`);
    let at = 0;
    for (const args of calls) for (const value of args) numbers[at++] = Number(value);
    words[CALLED] = this.#names.indexOf(name);
    words[ARGUMENTS] = size;
    words[PARTS] = calls.length;
    Atomics.store(words, PENDING, calls.length);
    Atomics.store(words, LEFT, calls.length);
    Atomics.add(words, TURN, 1);
    Atomics.notify(words, TURN);
    this.partsOfOthers += calls.length - takeParts(words, numbers, this.#functions);
    this.#awaitOthers(name);
    if (Atomics.exchange(words, FAILED, 0) !== 0) {
      throw new WasmError('THREAD_FAILED', `${name} failed on another thread.`);
    }
    return calls.map((_, part) => numbers[at + part]!);
  }

  /** A page's main thread may not sleep; what is left to wait for is less than a part. */
  #awaitOthers(name: string): void {
    const started = performance.now();
    for (let looks = 1; Atomics.load(this.#words, PENDING) > 0; looks++) {
      if (looks % 100_000 !== 0 || performance.now() - started < LOST) continue;
      this.dispose();
      throw new WasmError('THREAD_FAILED', `${name}: a thread was ended before its work was.`);
    }
  }

  /**
   * Starts the threads and waits until they run. A page's workers start only while its own script
   * rests: without this, a script that computes and never rests would have none.
   */
  async start(): Promise<void> {
    this.#start();
    const until = performance.now() + PATIENT;
    while (Atomics.load(this.#words, SETTLED) < this.size - 1 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 1));
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    Atomics.store(this.#words, SETTLED, 0);
    const owner = Atomics.add(this.#words, OWNER, 1) + 1;
    const settled = () => void Atomics.add(this.#words, SETTLED, 1);
    for (let i = 1; i < this.size; i++) {
      if (!startThread({ ...this.#given, owner }, settled)) settled();
    }
  }

  /** Lets the threads end, each when its part is done; the next job starts new ones. */
  dispose(): void {
    this.#running = false;
    Atomics.add(this.#words, OWNER, 1);
    Atomics.add(this.#words, TURN, 1);
    Atomics.notify(this.#words, TURN);
  }
}
