import type { CausalModel, CausalState, CausalStepOptions } from '@multihead/nn';
import { GenerationError } from './errors.js';
import type { Prompts } from './prompts.js';
import type { Settings } from './settings.js';

/** What a step gives of one row. */
export interface StepRow {
  /** Of the token that follows, one a token of the vocabulary. */
  logits: Float32Array;
  /** The last layer's output at each token the step took in; on request. */
  hidden?: Float32Array[];
}

/** Rows of text and the model's state that has seen them. It owns the state. */
export class Decoder {
  readonly #model: CausalModel;
  readonly #settings: Settings;
  #state: CausalState | undefined;
  #disposed = false;
  #rows: number[][];
  /** How many of each row's first tokens the model does not see: padding, and what it slid past. */
  #unseen: number[];
  /** Tokens of each row that the state has seen. */
  #read = 0;
  /** Where in the rows, which are of one length, the state begins: sliding starts anew further on. */
  #start = 0;

  constructor(model: CausalModel, settings: Settings, { rows, padding }: Prompts) {
    this.#model = model;
    this.#settings = settings;
    settings.signal?.addEventListener('abort', this.#onAbort);
    this.#rows = rows.map((row) => [...row]);
    this.#unseen = [...padding];
  }

  /** All ids of each row, padding included. */
  get rows(): readonly (readonly number[])[] {
    return this.#rows;
  }

  /** Whether the model cannot read the row to its end, and `more` tokens after it, in one context. */
  isFull(row: number, more = 0): boolean {
    const { contextLength } = this.#model;
    return contextLength !== undefined && this.#seen(row) + more > contextLength;
  }

  #seen(row: number): number {
    return this.#rows[row]!.length - this.#unseen[row]!;
  }

  /**
   * Has the model read what it has not read yet.
   *
   * @throws GenerationError `NON_FINITE_LOGITS`; ModelError of the step
   */
  async step(options: CausalStepOptions = {}): Promise<StepRow[]> {
    if (this.#disposed) throw new GenerationError('ABORTED', 'Generation has ended.');
    if (this.#rows.some((_, row) => this.isFull(row))) this.#slide();
    this.#state ??= this.#open();
    const state = this.#state;
    const news = this.#rows.map((row) => row.slice(this.#start + this.#read));
    const outputs = this.#model.step(news, state, options);
    this.#read = state.length;
    try {
      const hiddenState = outputs.hiddenStates?.at(-1);
      const [logits, hidden] = (await Promise.all([
        outputs.logits.data(),
        hiddenState?.data(),
      ])) as [Float32Array, Float32Array | undefined];
      const given = hidden && parts(hidden, news.length);
      return parts(logits, news.length).map((row, i) => ({
        logits: this.#checked(row, i),
        ...(given && { hidden: parts(given[i]!, news[i]!.length) }),
      }));
    } finally {
      outputs.dispose();
    }
  }

  #checked(logits: Float32Array, row: number): Float32Array {
    if (this.#settings.removeInvalidValues) return logits;
    const token = logits.findIndex((x) => !(x < Number.POSITIVE_INFINITY));
    if (token < 0) return logits;
    throw new GenerationError(
      'NON_FINITE_LOGITS',
      `The model gave ${logits[token]} for token ${token} at position ${this.#rows[row]!.length} of row ${row}. Its weights or its arithmetic overflowed; removeInvalidValues goes on all the same.`,
    );
  }

  /** Writes a token at the end of each row. */
  append(tokens: readonly number[]): void {
    tokens.forEach((token, row) => void this.#rows[row]!.push(token));
  }

  /** Makes row `rows[i]` row i. */
  select(rows: readonly number[]): void {
    if (rows.length === this.#rows.length && rows.every((row, i) => row === i)) return;
    this.#state?.select(rows);
    this.#rows = rows.map((row) => [...this.#rows[row]!]);
    this.#unseen = rows.map((row) => this.#unseen[row]!);
  }

  /** A row that is full forgets its older half; the others keep what they have. */
  #slide(): void {
    const context = this.#model.contextLength!;
    this.#state?.dispose();
    this.#unseen = this.#rows.map(({ length }, row) => {
      if (!this.isFull(row)) return this.#unseen[row]!;
      return length - Math.max(1, this.#state === undefined ? context : Math.floor(context / 2));
    });
    this.#state = undefined;
    const width = Math.max(...this.#rows.map((_, row) => this.#seen(row)));
    this.#start = this.#rows[0]!.length - width;
    this.#read = 0;
  }

  /** A state with room for all that can come. */
  #open(): CausalState {
    const { contextLength = Number.POSITIVE_INFINITY } = this.#model;
    const leftPadding = this.#unseen.map((count) => count - this.#start);
    const toRead = this.#rows[0]!.length - this.#start;
    const all = toRead + this.#settings.maxLength - this.#rows[0]!.length;
    const capacity = Math.max(Math.min(all, contextLength + Math.max(...leftPadding)), toRead);
    return this.#model.createState({ batch: this.#rows.length, capacity, leftPadding });
  }

  // A stream that pauses is not asked to go on, yet an abort must free what it holds.
  readonly #onAbort = () => this.dispose();

  /** Frees the state; may be called twice. */
  dispose(): void {
    this.#settings.signal?.removeEventListener('abort', this.#onAbort);
    this.#disposed = true;
    this.#state?.dispose();
    this.#state = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** An array in `count` equal parts. */
function parts(all: Float32Array, count: number): Float32Array[] {
  const size = all.length / count;
  return Array.from({ length: count }, (_, i) => all.subarray(i * size, (i + 1) * size));
}
