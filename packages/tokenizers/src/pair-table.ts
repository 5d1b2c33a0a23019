import { resized } from './resized.js';

/** Numbers pairs of symbols 0, 1, 2 … as they come: a hash table without an object a pair. */
export class PairTable {
  #slots: Int32Array = new Int32Array(4096); // index + 1
  #mask = 4095;
  #lefts: Int32Array = new Int32Array(2048);
  #rights: Int32Array = new Int32Array(2048);
  #size = 0;

  /** The index of a pair, which is new or known. */
  index(left: number, right: number): number {
    const slot = this.#find(left, right);
    const known = this.#slots[slot]! - 1;
    if (known >= 0) return known;
    const index = this.#size++;
    this.#lefts[index] = left;
    this.#rights[index] = right;
    this.#slots[slot] = index + 1;
    if (this.#size === this.#lefts.length) this.#grow();
    return index;
  }

  /** The index of a pair, -1 if it is not known. */
  lookup(left: number, right: number): number {
    return this.#slots[this.#find(left, right)]! - 1;
  }

  left(index: number): number {
    return this.#lefts[index]!;
  }

  right(index: number): number {
    return this.#rights[index]!;
  }

  #find(left: number, right: number): number {
    const hash = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      if (this.#lefts[entry - 1] === left && this.#rights[entry - 1] === right) break;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #grow(): void {
    this.#lefts = resized(this.#lefts, this.#size * 2);
    this.#rights = resized(this.#rights, this.#size * 2);
    this.#slots = new Int32Array(this.#slots.length * 2);
    this.#mask = this.#slots.length - 1;
    for (let i = 0; i < this.#size; i++) {
      this.#slots[this.#find(this.#lefts[i]!, this.#rights[i]!)] = i + 1;
    }
  }
}
