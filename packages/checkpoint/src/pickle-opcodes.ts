import { latin1, type PickleMachine } from './pickle-machine.js';
import { PickledName, type PickleValue as Value } from './pickle-values.js';

/** An opcode by the name pickletools gives it; without `run` it is refused. */
export interface Opcode {
  name: string;
  run?: (pickle: PickleMachine) => void;
}

/** Digits, or bytes, of the longest number that is read. */
const LONGEST_NUMBER = 256;

/** The opcodes of all protocols, by their byte. */
export const opcodes: readonly (Opcode | undefined)[] = table([
  // Frames and ends.
  [0x80, 'PROTO', (p) => void (p.byte() <= 5 || p.fail('a pickle of a later protocol than 5'))],
  [0x95, 'FRAME', (p) => void p.unsigned(8)], // only says how much to read at once
  ['.', 'STOP'],

  // Plain values.
  ['N', 'NONE', (p) => p.push(null)],
  [0x88, 'NEWTRUE', (p) => p.push(true)],
  [0x89, 'NEWFALSE', (p) => p.push(false)],
  ['I', 'INT', (p) => p.push(readInt(p))],
  ['J', 'BININT', (p) => p.push(p.signed32())],
  ['K', 'BININT1', (p) => p.push(p.byte())],
  ['M', 'BININT2', (p) => p.push(p.unsigned(2))],
  ['L', 'LONG', (p) => p.push(wholeNumber(p, p.line().replace(/L$/, '')))],
  [0x8a, 'LONG1', (p) => p.push(readLong(p, p.byte()))],
  [0x8b, 'LONG4', (p) => p.push(readLong(p, p.unsigned(4)))],
  ['F', 'FLOAT', (p) => p.push(readFloat(p))],
  ['G', 'BINFLOAT', (p) => p.push(p.float64())],
  ['S', 'STRING', (p) => p.push(unquoted(p, p.line()))],
  ['T', 'BINSTRING', (p) => p.push(python2Text(p.bytes(p.unsigned(4))))],
  ['U', 'SHORT_BINSTRING', (p) => p.push(python2Text(p.bytes(p.byte())))],
  ['V', 'UNICODE', (p) => p.push(unescaped(p.line(), /\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g))],
  ['X', 'BINUNICODE', (p) => p.push(p.utf8(p.unsigned(4)))],
  [0x8c, 'SHORT_BINUNICODE', (p) => p.push(p.utf8(p.byte()))],
  [0x8d, 'BINUNICODE8', (p) => p.push(p.utf8(p.unsigned(8)))],
  ['B', 'BINBYTES', (p) => p.push(p.bytes(p.unsigned(4)))],
  ['C', 'SHORT_BINBYTES', (p) => p.push(p.bytes(p.byte()))],
  [0x8e, 'BINBYTES8', (p) => p.push(p.bytes(p.unsigned(8)))],
  [0x96, 'BYTEARRAY8', (p) => p.push(p.bytes(p.unsigned(8)))],

  // Containers.
  ['(', 'MARK', (p) => p.mark()],
  [']', 'EMPTY_LIST', (p) => p.push([])],
  ['l', 'LIST', (p) => p.push(p.sinceMark())],
  [')', 'EMPTY_TUPLE', (p) => p.push([])],
  ['t', 'TUPLE', (p) => p.push(p.sinceMark())],
  [0x85, 'TUPLE1', (p) => p.push([p.pop()])],
  [0x86, 'TUPLE2', (p) => p.push([p.pop(), p.pop()].reverse())],
  [0x87, 'TUPLE3', (p) => p.push([p.pop(), p.pop(), p.pop()].reverse())],
  ['}', 'EMPTY_DICT', (p) => p.push(new Map())],
  [
    'd',
    'DICT',
    (p) => {
      const dict = new Map();
      p.setItems(dict, p.sinceMark());
      p.push(dict);
    },
  ],
  [0x8f, 'EMPTY_SET', (p) => p.push(new Set())],
  [0x91, 'FROZENSET', (p) => p.push(new Set(p.sinceMark()))],
  ['a', 'APPEND', (p) => onTop(p, p.pop(), (target, item) => p.append(target, [item]))],
  ['e', 'APPENDS', (p) => onTop(p, p.sinceMark(), (target, items) => p.append(target, items))],
  [
    's',
    'SETITEM',
    (p) => onTop(p, [p.pop(), p.pop()].reverse(), (target, item) => p.setItems(target, item)),
  ],
  ['u', 'SETITEMS', (p) => onTop(p, p.sinceMark(), (target, items) => p.setItems(target, items))],
  [0x90, 'ADDITEMS', (p) => onTop(p, p.sinceMark(), (target, items) => p.addItems(target, items))],

  // The stack and the memo.
  ['0', 'POP', (p) => p.drop()],
  ['1', 'POP_MARK', (p) => void p.sinceMark()],
  ['2', 'DUP', (p) => p.push(p.top())],
  ['p', 'PUT', (p) => p.remember(memoIndex(p))],
  ['q', 'BINPUT', (p) => p.remember(p.byte())],
  ['r', 'LONG_BINPUT', (p) => p.remember(p.unsigned(4))],
  [0x94, 'MEMOIZE', (p) => p.memoize()],
  ['g', 'GET', (p) => p.recall(memoIndex(p))],
  ['h', 'BINGET', (p) => p.recall(p.byte())],
  ['j', 'LONG_BINGET', (p) => p.recall(p.unsigned(4))],

  // Names, calls, objects.
  ['c', 'GLOBAL', (p) => p.push(named(p.line(), p.line()))],
  [0x93, 'STACK_GLOBAL', (p) => onTwo(p, (module, name) => p.push(stackName(p, module, name)))],
  ['R', 'REDUCE', (p) => onTwo(p, (target, args) => p.call(target, args))],
  ['b', 'BUILD', (p) => onTop(p, p.pop(), (target, state) => p.build(target, state))],
  ['i', 'INST', (p) => p.create(named(p.line(), p.line()), p.sinceMark())],
  [
    'o',
    'OBJ',
    (p) => {
      const [target = null, ...args] = p.sinceMark();
      p.create(target, args);
    },
  ],
  [0x81, 'NEWOBJ', (p) => onTwo(p, (target, args) => p.create(target, args))],
  [
    0x92,
    'NEWOBJ_EX',
    (p) => {
      const keywords = p.pop();
      if (!(keywords instanceof Map) || keywords.size > 0) p.refuse('with arguments by name');
      onTwo(p, (target, args) => p.create(target, args));
    },
  ],
  [
    'Q',
    'BINPERSID',
    (p) => {
      if (!p.rules.persistent) p.refuse('which only a file of torch.save has');
      p.push(p.rules.persistent!(p.pop(), p));
    },
  ],

  // What nobody writes into a checkpoint: names from a registry, buffers from elsewhere.
  ['P', 'PERSID'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x97, 'NEXT_BUFFER'],
  [0x98, 'READONLY_BUFFER'],
]);

type Row = [code: number | string, name: string, run?: (pickle: PickleMachine) => void];

function table(rows: Row[]): (Opcode | undefined)[] {
  const all: (Opcode | undefined)[] = Array(256).fill(undefined);
  for (const [code, name, run] of rows) {
    all[typeof code === 'string' ? code.charCodeAt(0) : code] = run ? { name, run } : { name };
  }
  return all;
}

/** Does something to the value on top, which stays there. */
function onTop<T>(pickle: PickleMachine, operand: T, change: (target: Value, operand: T) => void) {
  change(pickle.top(), operand);
}

/** Takes two values, the lower first. */
function onTwo(pickle: PickleMachine, use: (lower: Value, upper: Value) => void): void {
  const upper = pickle.pop();
  use(pickle.pop(), upper);
}

/** Modules that had another name in Python 2. */
const TODAY = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
]);

/** The name as Python 3 has it. */
function named(module: string, name: string): PickledName {
  return new PickledName(`${TODAY.get(module) ?? module}.${name}`);
}

function stackName(pickle: PickleMachine, module: Value, name: Value): PickledName {
  if (typeof module !== 'string' || typeof name !== 'string') {
    return pickle.fail('a name is no text');
  }
  pickle.spend(module.length + name.length);
  return named(module, name);
}

function readInt(pickle: PickleMachine): number | bigint | boolean {
  const text = pickle.line();
  return text === '00' ? false : text === '01' ? true : wholeNumber(pickle, text);
}

function wholeNumber(pickle: PickleMachine, text: string): number | bigint {
  if (text.length > LONGEST_NUMBER || !/^\s*[+-]?\d+\s*$/.test(text)) {
    return pickle.fail('no whole number, or too long a one');
  }
  return smallest(BigInt(text.trim().replace(/^\+/, '')));
}

/** Little-endian two's complement. */
function readLong(pickle: PickleMachine, size: number): number | bigint {
  if (size > LONGEST_NUMBER) return pickle.fail(`a number of ${size} bytes`);
  let value = 0n;
  for (const byte of pickle.bytes(size).toReversed()) value = (value << 8n) | BigInt(byte);
  return smallest(BigInt.asIntN(8 * size, value));
}

function smallest(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function readFloat(pickle: PickleMachine): number {
  const text = pickle.line().trim().toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(text);
  if (special) return (special[1] === '-' ? -1 : 1) * (special[2] === 'nan' ? Number.NaN : 1 / 0);
  const value = text === '' || text.length > LONGEST_NUMBER ? Number.NaN : Number(text);
  return Number.isNaN(value) ? pickle.fail('no number') : value;
}

function memoIndex(pickle: PickleMachine): number {
  const index = Number(pickle.line());
  return Number.isSafeInteger(index) && index >= 0 ? index : pickle.fail('no place in the memo');
}

/** A `str` of Python 2, which is bytes: UTF-8 where it is that, as words are. */
function python2Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

/** A `str` of Python 2 as its `repr` spells it. */
function unquoted(pickle: PickleMachine, text: string): string {
  const inner = /^(['"])(.*)\1$/s.exec(text.trim())?.[2];
  if (inner === undefined) return pickle.fail('a string without quotes');
  const bytes = unescaped(inner, /\\(?:x([\da-fA-F]{2})|([\\'"abfnrtv]))/g);
  return python2Text(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}

const ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function unescaped(text: string, escapes: RegExp): string {
  return text.replace(escapes, (_, hex?: string, other?: string) => {
    const code = Number.parseInt(hex ?? (other && other.length > 1 ? other : ''), 16);
    if (Number.isNaN(code)) return ESCAPES[other!] ?? other!;
    return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
  });
}
