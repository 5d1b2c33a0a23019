import { yieldToEventLoop } from '@multihead/nn';
import type { TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import type { Race, Runner } from './protocol.js';
import { Recurrence } from './recurrence.js';

/** How much longer the window's turns are once the other is through. */
const REMAINDER = 4;

/**
 * Foretells a text in two ways, in turns, so that what else the device does slows both alike: segment by
 * segment with memory, and each token with a window of its own computed anew. Either way each token sees
 * `attention` tokens, which the first ones, not foretold, give to the others. Who remembers is through long
 * before the other, and then begins again, to be measured beside it all the way.
 *
 * @param ids what stands for the beginning of a text, and the text: more than `attention` tokens
 */
export async function* race(
  model: TransfoXLLMHeadModel,
  ids: readonly number[],
  attention: number,
  signal: AbortSignal,
): AsyncGenerator<Race, void, void> {
  using withMemory = new WithMemory(model, ids, attention);
  const withWindow = new WithWindow(model, ids, attention);
  const tokens = ids.length - 1 - attention;
  const standing = (state: Race['state']): Race => ({
    attention,
    tokens,
    memory: { ...withMemory.runner },
    window: { ...withWindow.runner },
    state,
  });
  const [memory, window] = [withMemory.runner, withWindow.runner];
  yield standing('running');
  while (window.done < tokens) {
    await yieldToEventLoop();
    if (signal.aborted) return yield standing('stopped');
    const turn = (memory.done < tokens ? 1 : REMAINDER) * timed(memory, () => withMemory.step());
    const end = window.milliseconds + turn;
    do timed(window, () => withWindow.step());
    while (window.milliseconds < end && window.done < tokens);
    yield standing(window.done < tokens ? 'running' : 'finished');
  }
}

const LOSS_ALONE = { outputLosses: false };

const atStart = (): Runner => ({ done: 0, nats: 0, measured: 0, milliseconds: 0 });

/** Takes a step, whose milliseconds it adds and gives. */
function timed(runner: Runner, step: () => void): number {
  const started = performance.now();
  step();
  const taken = performance.now() - started;
  runner.milliseconds += taken;
  return taken;
}

/** Segments as long as the memory. */
class WithMemory {
  readonly runner = atStart();
  /** What it remembers before the first token that is foretold. */
  readonly #start: Recurrence;
  #reading: Recurrence;
  #at: number;

  constructor(
    model: TransfoXLLMHeadModel,
    readonly ids: readonly number[],
    readonly attention: number,
  ) {
    this.#start = new Recurrence(model, { memLen: attention, sameLength: true });
    this.#start.read(ids.slice(0, attention), ids.slice(1, attention + 1)).dispose();
    this.#reading = this.#start.fork();
    this.#at = attention;
    // What is done once for a length is not counted.
    this.#foretell();
    this.#begin();
  }

  step(): void {
    const { runner, ids, attention } = this;
    const before = this.#at;
    const nats = this.#foretell();
    runner.measured += this.#at - before;
    if (runner.done === before - attention) {
      runner.done = this.#at - attention;
      runner.nats += nats;
    }
    if (this.#at === ids.length - 1) this.#begin();
  }

  /** The next segment's loss, summed. */
  #foretell(): number {
    const end = Math.min(this.#at + this.attention, this.ids.length - 1);
    const count = end - this.#at;
    const targets = this.ids.slice(this.#at + 1, end + 1);
    using outputs = this.#reading.read(this.ids.slice(this.#at, end), targets, LOSS_ALONE);
    this.#at = end;
    return outputs.loss!.dataSync()[0]! * count;
  }

  #begin(): void {
    this.#reading.dispose();
    this.#reading = this.#start.fork();
    this.#at = this.attention;
  }

  [Symbol.dispose](): void {
    this.#start.dispose();
    this.#reading.dispose();
  }
}

/** A window for each token. */
class WithWindow {
  readonly runner = atStart();

  constructor(
    readonly model: TransfoXLLMHeadModel,
    readonly ids: readonly number[],
    readonly attention: number,
  ) {
    this.#foretell(attention);
  }

  step(): void {
    const { runner, attention } = this;
    runner.nats += this.#foretell(attention + runner.done);
    runner.done++;
    runner.measured++;
  }

  /** The loss of what follows this place. */
  #foretell(at: number): number {
    using reading = new Recurrence(this.model, { memLen: 0 });
    const ids = this.ids.slice(at - this.attention + 1, at + 1);
    using outputs = reading.read(ids, [this.ids[at + 1]!], LOSS_ALONE);
    return outputs.loss!.dataSync()[0]!;
  }
}
