import { CheckpointError, quote } from './errors.js';
import { PickledObject, PickledTensor, type PickleValue } from './pickle-values.js';
import { TorchTensor } from './torch-tensor.js';

/** Where training scripts put the state dict among what else they keep. */
const PLACES = ['state_dict', 'model_state_dict', 'model_state', 'model', 'module', 'net'];

/** Modules in modules in modules: more than any model has. */
const DEEPEST = 64;

/** Names may share storages (tied weights), but not so that a file stands for many times its size. */
const MOST_SHARING = 16;

interface Limits {
  /** How errors name the file. */
  file: string;
  /** Bytes of the pickle, which has each part of a name at least once. */
  pickleBytes: number;
  fileBytes: number;
}

/**
 * The tensors of what was saved, by name: a state dict, a checkpoint that has one in it, or a whole
 * module, whose state dict is made from its parameters, buffers and modules as
 * `torch.nn.Module.state_dict` does it.
 */
export function stateDict(value: PickleValue, limits: Limits): Map<string, TorchTensor> {
  const { file } = limits;
  const tensors = new Map<string, TorchTensor>();
  let names = MOST_SHARING * limits.pickleBytes;
  let bytes = MOST_SHARING * limits.fileBytes;

  /** Counts what is visited: modules and tensors may be shared, and so be visited again and again. */
  function visit(name: string, size: number): void {
    names -= name.length + 1;
    bytes -= size;
    if (names >= 0 && bytes >= 0) return;
    const reason = 'its tensors share so much that they would take many times the size of the file';
    throw new CheckpointError('TOO_LARGE', reason, { file, key: name });
  }

  function add(dict: PickleValue | undefined, prefix: string, except?: PickleValue): void {
    for (const [name, tensor] of named(dict)) {
      if (!(tensor instanceof TorchTensor)) continue;
      if (except instanceof Set && except.has(name)) continue;
      visit(prefix + name, tensor.byteLength);
      tensors.set(prefix + name, tensor);
    }
  }

  function addModule({ state }: PickledObject, prefix: string, depth: number): void {
    if (depth > DEEPEST) {
      throw new CheckpointError('BAD_PICKLE', `modules stand ${depth} deep in each other`, {
        file,
      });
    }
    add(state.get('_parameters'), prefix);
    add(state.get('_buffers'), prefix, state.get('_non_persistent_buffers_set'));
    for (const [name, module] of named(state.get('_modules'))) {
      visit(prefix + name, 0);
      if (module instanceof PickledObject) addModule(module, `${prefix}${name}.`, depth + 1);
    }
  }

  const found = findState(value);
  if (found instanceof PickledObject) addModule(found, '', 0);
  else add(found, '');
  if (found) return tensors;
  const reason = `has no state dict, but ${describe(value)}: save model.state_dict()`;
  throw new CheckpointError('BAD_PICKLE', reason, { file });
}

/**
 * A module, or a dict of tensors by name: in one of the usual places, or the value itself. What has such
 * a place may keep tensors beside it, such as a loss.
 */
function findState(value: PickleValue): PickledObject | Map<PickleValue, PickleValue> | undefined {
  const inside = value instanceof Map ? PLACES.map((place) => value.get(place) ?? null) : [];
  return [...inside, value].find(isState);
}

function isState(value: PickleValue): value is PickledObject | Map<PickleValue, PickleValue> {
  if (value instanceof PickledObject) return value.state.get('_modules') instanceof Map;
  if (!(value instanceof Map)) return false;
  for (const [, tensor] of named(value)) if (tensor instanceof TorchTensor) return true;
  return false;
}

/** What a dict has by names. */
function* named(dict: PickleValue | undefined): Generator<[string, PickleValue]> {
  if (!(dict instanceof Map)) return;
  for (const [name, value] of dict) if (typeof name === 'string') yield [name, value];
}

function describe(value: PickleValue): string {
  if (value instanceof PickledObject) return `an object of ${quote(value.className)}`;
  if (value instanceof PickledTensor) return 'a tensor alone';
  if (Array.isArray(value)) return `${value.length} values in a row`;
  if (!(value instanceof Map)) return value === null ? 'None' : `a ${typeof value}`;
  const names = Array.from(named(value), ([name]) => quote(name));
  return `a dict with ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
}
