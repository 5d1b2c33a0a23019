import { CheckpointError, type CheckpointErrorCode, quote } from './errors.js';
import { PickledName, PickledObject, type PickleValue } from './pickle-values.js';

/** What is allowed beyond plain values. */
export interface PickleRules {
  /**
   * What a call of this name gives, or undefined where it is not among the allowed. Whatever copies its
   * arguments tells `spend` how much.
   */
  call(name: string, args: PickleValue[], pickle: PickleMachine): PickleValue | undefined;
  /** What stands under a persistent id: storages of tensors. */
  persistent?: (id: PickleValue, pickle: PickleMachine) => PickleValue;
}

export interface PickleOptions {
  /** How errors name the file. */
  file?: string | undefined;
  rules: PickleRules;
}

const MOST_CONTAINERS = 1 << 22;
/** What a pickle may have of containers, and of copies, whatever its length; and for each of its bytes. */
const ALLOWANCE = 1 << 16;
const CONTAINERS_PER_BYTE = 2;
const COPIES_PER_BYTE = 4;
const MOST_REMEMBERED = 1 << 22;

/** What opcodes work on: the bytes, the stack, the memo. */
export class PickleMachine {
  readonly file: string | undefined;
  readonly rules: PickleRules;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  /** What is remembered under 0, 1, 2, …, and under numbers further on. */
  readonly #memo: (PickleValue | undefined)[] = [];
  readonly #farMemo = new Map<number, PickleValue>();
  #at: number;
  #start: number;
  #opcode = '';
  #budget: number;
  #containers: number;

  constructor(bytes: Uint8Array, start: number, { file, rules }: PickleOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#start = start;
    this.file = file;
    this.rules = rules;
    const { byteLength } = bytes;
    this.#budget = ALLOWANCE + COPIES_PER_BYTE * byteLength;
    this.#containers = Math.min(MOST_CONTAINERS, ALLOWANCE + CONTAINERS_PER_BYTE * byteLength);
  }

  get at(): number {
    return this.#at;
  }

  /** Says which opcode follows, for messages. */
  begin(opcode: string): void {
    this.#opcode = opcode;
    this.#start = this.#at - 1;
  }

  /** What the pickle did wrong, with the opcode and its place. */
  fail(reason: string, code: CheckpointErrorCode = 'BAD_PICKLE'): never {
    const place = this.#opcode && `${this.#opcode} at byte ${this.#start}: `;
    throw new CheckpointError(code, `${place}${reason}`, { file: this.file });
  }

  refuse(reason: string): never {
    const place = `the pickle's opcode ${this.#opcode} at byte ${this.#start}`;
    throw new CheckpointError('PICKLE_REFUSED', `${place}, ${reason}`, { file: this.file });
  }

  /** Counts copies of what the pickle has only once, so that it cannot ask for them without end. */
  spend(amount: number): void {
    this.#budget -= amount;
    if (this.#budget < 0) {
      this.fail('copies of copies would take more memory than the file justifies', 'TOO_LARGE');
    }
  }

  // The bytes.

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes. */
  unsigned(size: 1 | 2 | 4 | 8): number {
    const at = this.#take(size);
    if (size === 1) return this.#bytes[at]!;
    if (size === 2) return this.#view.getUint16(at, true);
    if (size === 4) return this.#view.getUint32(at, true);
    const value = this.#view.getBigUint64(at, true);
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : this.#cutShort();
  }

  signed32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** A view of the next bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) this.#cutShort();
    const text = latin1(this.bytes(end - this.#at));
    this.#at++;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }

  utf8(length: number): string {
    const bytes = this.bytes(length);
    try {
      return utf8.decode(bytes);
    } catch {
      return this.fail('a text is not valid UTF-8');
    }
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || length > this.#bytes.byteLength - at) this.#cutShort();
    this.#at += length;
    return at;
  }

  #cutShort(): never {
    return this.fail(`truncated: it ends after ${this.#bytes.byteLength} bytes`, 'TRUNCATED');
  }

  // The stack.

  /** A value that was made. */
  push(value: PickleValue): void {
    if (typeof value === 'object' && value !== null) {
      // An empty dict takes one byte in the file and some hundred here.
      this.#containers -= Array.isArray(value) ? 1 : 4;
      if (this.#containers < 0) this.fail('too many lists and dicts', 'TOO_LARGE');
    }
    this.#stack.push(value);
  }

  pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) {
      this.fail('takes more from the stack than is on it');
    }
    return this.#stack.pop()!;
  }

  top(): PickleValue {
    const value = this.pop();
    this.#stack.push(value); // which was made before
    return value;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** What was put on the stack since the last mark. */
  sinceMark(): PickleValue[] {
    const mark = this.#marks.pop();
    return mark === undefined ? this.fail('there is no mark') : this.#stack.splice(mark);
  }

  /** POP, which takes a mark as well. */
  drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  remember(index: number): void {
    const value = this.top();
    if (index === 1 && this.#memo.length === 0) this.#memo.push(undefined); // Python 2 counts from 1
    const next = this.#memo.length;
    if (index < next) this.#memo[index] = value;
    else if (index === next) this.#memo.push(value);
    else this.#farMemo.set(index, value);
    if (index === next) this.#farMemo.delete(index);
    if (next >= MOST_REMEMBERED || this.#farMemo.size > MOST_REMEMBERED / 4) {
      this.fail('too much to remember', 'TOO_LARGE');
    }
  }

  memoize(): void {
    this.remember(this.#memo.length + this.#farMemo.size);
  }

  recall(index: number): void {
    const value = index < this.#memo.length ? this.#memo[index] : this.#farMemo.get(index);
    if (value === undefined) this.fail(`nothing was remembered as ${index}`);
    this.#stack.push(value!);
  }

  // What would be calls.

  call(target: PickleValue, args: PickleValue): void {
    if (!(target instanceof PickledName)) this.fail('calls what is no name');
    const { name } = target as PickledName;
    if (!Array.isArray(args)) this.fail(`calls ${quote(name)} without a tuple`);
    const value = this.rules.call(name, args, this);
    if (value === undefined) {
      this.refuse(`would call ${quote(name)}: only tensors and plain values are made`);
    }
    this.push(value!);
  }

  /** A new object of a class: one that the rules know, else a record, which takes no arguments. */
  create(target: PickleValue, args: PickleValue): void {
    if (target instanceof PickledName && Array.isArray(args) && args.length === 0) {
      this.push(this.rules.call(target.name, args, this) ?? new PickledObject(target.name));
    } else {
      this.call(target, args);
    }
  }

  /** BUILD: gives an object its attributes. */
  build(target: PickleValue, state: PickleValue): void {
    // A state dict, which is an OrderedDict, has attributes too: versions of modules.
    if (target instanceof Map) return;
    if (!(target instanceof PickledObject)) this.fail('gives attributes to what has none');
    // With slots: a pair of the attributes and of those in slots. Anything else is for the class to
    // make something of, and stays as it is.
    const parts = Array.isArray(state) && state.length === 2 ? state : [state];
    if (!parts.every((part) => part === null || part instanceof Map)) {
      target.state.set('__setstate__', state);
      return;
    }
    for (const part of parts) {
      if (!(part instanceof Map)) continue;
      this.spend(part.size);
      for (const [key, value] of part) target.state.set(key, value);
    }
  }

  append(target: PickleValue, items: readonly PickleValue[]): void {
    const list = target instanceof PickledObject ? target.items : target;
    if (!Array.isArray(list)) this.fail('appends to what is no list');
    for (const item of items) list.push(item);
  }

  setItems(target: PickleValue, items: readonly PickleValue[]): void {
    const dict = target instanceof PickledObject ? target.entries : target;
    if (!(dict instanceof Map)) this.fail('sets items of what is no dict');
    if (items.length % 2 !== 0) this.fail('a key has no value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
  }

  addItems(target: PickleValue, items: readonly PickleValue[]): void {
    if (!(target instanceof Set)) this.fail('adds to what is no set');
    for (const item of items) target.add(item);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as the characters of the same numbers. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.byteLength; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}
