import { unpickle } from './pickle.js';
import type { PickleMachine } from './pickle-machine.js';
import { PickledName, PickledObject, type PickleValue } from './pickle-values.js';

/** What a call makes of its arguments; undefined refuses it. */
type Call = (args: PickleValue[], pickle: PickleMachine) => PickleValue | undefined;

/**
 * The functions and classes that a pickle may call, each a plain value here. All else is refused by its
 * name, and those too with arguments that Python's own pickler would not give them.
 */
const CALLS: Readonly<Record<string, Call>> = {
  'collections.OrderedDict': ([pairs = []], pickle) => dictOf(pairs, pickle),
  'collections.Counter': ([counts = []], pickle) => dictOf(counts, pickle),
  'collections.defaultdict': ([factory = null], pickle) =>
    factory === null || factory instanceof PickledName ? dictOf([], pickle) : undefined,
  'builtins.dict': ([pairs = []], pickle) => dictOf(pairs, pickle),
  'builtins.set': ([items = []], pickle) => setOf(items, pickle),
  'builtins.frozenset': ([items = []], pickle) => setOf(items, pickle),
  'builtins.list': ([items = []], pickle) => listOf(items, pickle),
  'builtins.tuple': ([items = []], pickle) => listOf(items, pickle),
  'builtins.bytes': ([bytes = new Uint8Array(0)]) =>
    bytes instanceof Uint8Array ? bytes : undefined,
  'builtins.bytearray': ([bytes = new Uint8Array(0), encoding], pickle) =>
    bytes instanceof Uint8Array ? bytes : fromLatin1(bytes, encoding, pickle),
  // How protocol 2 spells bytes.
  '_codecs.encode': ([text, encoding], pickle) => fromLatin1(text, encoding, pickle),
  // How protocols 0 and 1 spell a new object.
  'copyreg._reconstructor': ([target, base, state]) =>
    target instanceof PickledName && isNamed(base, 'builtins.object') && state === null
      ? new PickledObject(target.name)
      : undefined,
  // A pattern stays text; nothing is compiled.
  're._compile': ([pattern, flags]) => record('re.Pattern', { pattern, flags }),
  // numpy's arrays and numbers are records too: their bytes, and what says how to read them.
  ...numpyCalls('numpy.core.multiarray'),
  ...numpyCalls('numpy._core.multiarray'),
  'numpy.dtype': ([name]) => record('numpy.dtype', { name }),
  'torch.Size': ([sizes = []], pickle) => listOf(sizes, pickle),
  'torch.device': ([type, index]) =>
    typeof type !== 'string' ? undefined : typeof index === 'number' ? `${type}:${index}` : type,
};

function numpyCalls(module: string): Record<string, Call> {
  return {
    [`${module}._reconstruct`]: () => new PickledObject('numpy.ndarray'),
    [`${module}.scalar`]: ([dtype, bytes]) => record('numpy.scalar', { dtype, bytes }),
  };
}

/** What `CALLS` makes, or undefined for what is not in it. */
export function callPlain(
  name: string,
  args: PickleValue[],
  pickle: PickleMachine,
): PickleValue | undefined {
  return Object.hasOwn(CALLS, name) ? CALLS[name]!(args, pickle) : undefined;
}

/** The value of a plain pickle, without tensors. */
export function readPlainPickle(bytes: Uint8Array, file?: string): PickleValue {
  return unpickle(bytes, 0, { file, rules: { call: callPlain } }).value;
}

function isNamed(value: PickleValue | undefined, name: string): value is PickledName {
  return value instanceof PickledName && value.name === name;
}

function fromLatin1(
  text: PickleValue | undefined,
  encoding: PickleValue | undefined,
  pickle: PickleMachine,
): Uint8Array | undefined {
  if (typeof text !== 'string' || !(encoding === 'latin1' || encoding === 'latin-1')) return;
  pickle.spend(text.length);
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function dictOf(pairs: PickleValue, pickle: PickleMachine): PickleValue | undefined {
  if (pairs instanceof Map) {
    pickle.spend(pairs.size);
    return new Map(pairs);
  }
  if (!Array.isArray(pairs)) return undefined;
  pickle.spend(pairs.length);
  const isPair = (pair: PickleValue): pair is [PickleValue, PickleValue] =>
    Array.isArray(pair) && pair.length === 2;
  return pairs.every(isPair) ? new Map(pairs) : undefined;
}

function listOf(items: PickleValue, pickle: PickleMachine): PickleValue[] | undefined {
  if (!Array.isArray(items)) return undefined;
  pickle.spend(items.length);
  return [...items];
}

function setOf(items: PickleValue, pickle: PickleMachine): PickleValue | undefined {
  const list = listOf(items, pickle);
  return list && new Set(list);
}

function record(className: string, state: Record<string, PickleValue | undefined>): PickledObject {
  const made = new PickledObject(className);
  for (const [key, value] of Object.entries(state)) made.state.set(key, value ?? null);
  return made;
}
