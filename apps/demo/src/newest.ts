/**
 * Passes on one value at a time, when `next` says that the last was dealt with; of those that come
 * meanwhile only the newest is kept. Until the first `next` nothing is passed on.
 */
export class Newest<T> {
  readonly #send: (value: T) => void;
  #busy = true;
  #waiting: { value: T } | undefined;

  constructor(send: (value: T) => void) {
    this.#send = send;
  }

  ask(value: T): void {
    this.#waiting = { value };
    if (!this.#busy) this.next();
  }

  next(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#busy = waiting !== undefined;
    if (waiting) this.#send(waiting.value);
  }
}
