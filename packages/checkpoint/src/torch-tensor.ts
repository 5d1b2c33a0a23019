import { CheckpointError } from './errors.js';
import { callPlain } from './pickle-calls.js';
import type { PickleMachine, PickleRules } from './pickle-machine.js';
import { PickledName, PickledTensor, type PickleValue } from './pickle-values.js';
import { bytesPerElement, type DType } from './tensor.js';

// How torch.save spells tensors (torch/_utils.py, torch/serialization.py): a storage by a persistent id,
// and a call that lays a tensor over it.

const STORAGES = new Map<string | undefined, DType>(
  Object.entries({
    DoubleStorage: 'F64',
    FloatStorage: 'F32',
    HalfStorage: 'F16',
    BFloat16Storage: 'BF16',
    LongStorage: 'I64',
    IntStorage: 'I32',
    ShortStorage: 'I16',
    CharStorage: 'I8',
    ByteStorage: 'U8',
    BoolStorage: 'BOOL',
  } as const),
);

const DTYPES = new Map<string | undefined, DType>(
  Object.entries({
    float64: 'F64',
    float32: 'F32',
    float16: 'F16',
    bfloat16: 'BF16',
    int64: 'I64',
    int32: 'I32',
    int16: 'I16',
    int8: 'I8',
    uint64: 'U64',
    uint32: 'U32',
    uint16: 'U16',
    uint8: 'U8',
    bool: 'BOOL',
  } as const),
);

/** Most dimensions a tensor of PyTorch can have. */
const MOST_DIMENSIONS = 64;

/** Bytes of the file that tensors lie in; several may share them. */
export class TorchStorage extends PickledTensor {
  readonly shape: readonly number[];
  constructor(
    /** The name of the record in the file. */
    readonly key: string,
    /** undefined: bytes, of which the tensors over them say what they are */
    readonly dtype: DType | undefined,
    /** Bytes of the whole record. */
    readonly byteLength: number,
    /** The part of it that this storage is. */
    readonly begin: number,
    readonly end: number,
  ) {
    super();
    this.shape = [end - begin];
  }
}

/** A tensor in a file, not read yet. */
export class TorchTensor extends PickledTensor {
  constructor(
    readonly dtype: DType,
    readonly shape: readonly number[],
    /** Elements from one to the next, by dimension. */
    readonly strides: readonly number[],
    /** Elements from the storage's begin to the first. */
    readonly offset: number,
    readonly storage: TorchStorage,
  ) {
    super();
  }

  get elements(): number {
    // Also where the product of the others is beyond all numbers.
    if (this.shape.includes(0)) return 0;
    return this.shape.reduce((product, size) => product * size, 1);
  }

  get byteLength(): number {
    return this.elements * bytesPerElement[this.dtype];
  }

  /** Elements that lie between the first and the last, both counted. */
  get span(): number {
    if (this.elements === 0) return 0;
    return 1 + this.shape.reduce((sum, size, i) => sum + (size - 1) * this.strides[i]!, 0);
  }

  /** Whether its elements stand in the storage as they do in the tensor, row by row. */
  get isContiguous(): boolean {
    let step = 1;
    for (let i = this.shape.length - 1; i >= 0; i--) {
      if (this.shape[i] !== 1 && this.strides[i] !== step) return false;
      step *= this.shape[i]!;
    }
    return true;
  }
}

/** What a pickle of torch.save may hold: plain values, and tensors over `bytes` of a file. */
export function torchRules(fileBytes: number): PickleRules {
  const call = (
    name: string,
    args: PickleValue[],
    pickle: PickleMachine,
  ): PickleValue | undefined => {
    switch (name) {
      case 'torch._utils._rebuild_tensor':
      case 'torch._utils._rebuild_tensor_v2':
        return rebuild(args, undefined, fileBytes, pickle);
      case 'torch._utils._rebuild_tensor_v3':
        return rebuild(args, args[6], fileBytes, pickle);
      case 'torch._utils._rebuild_parameter':
      case 'torch._utils._rebuild_parameter_with_state':
        return args[0] instanceof TorchTensor ? args[0] : undefined;
      case 'torch._tensor._rebuild_from_type_v2': {
        // A tensor with attributes: how it is made, its class, the arguments, the attributes.
        const [made, , inner] = args;
        if (!(made instanceof PickledName) || made.name === name || !Array.isArray(inner)) return;
        const value = call(made.name, inner, pickle);
        return value instanceof TorchTensor ? value : undefined;
      }
      default:
        return callPlain(name, args, pickle);
    }
  };
  return { call, persistent };
}

function rebuild(
  [storage, offset, size, stride]: PickleValue[],
  dtypeName: PickleValue | undefined,
  fileBytes: number,
  pickle: PickleMachine,
): TorchTensor {
  if (!(storage instanceof TorchStorage)) return pickle.fail('a tensor without a storage');
  const shape = sizes(size, pickle);
  const strides = sizes(stride, pickle);
  const begin = sizes([offset ?? null], pickle)[0]!;
  if (shape.length !== strides.length) pickle.fail('a tensor with more sizes than strides');
  const dtype = dtypeName === undefined ? storage.dtype : dtypeOf(dtypeName, pickle);
  if (dtype === undefined) return pickle.fail('a tensor without a dtype');

  const tensor = new TorchTensor(dtype, shape, strides, begin, storage);
  const width = bytesPerElement[dtype];
  const needed = (begin + tensor.span) * width;
  const there = storage.end - storage.begin;
  if (needed > there) {
    pickle.fail(
      `the tensor [${shape}] reaches to byte ${needed} of a storage of ${there}`,
      'BAD_TENSOR',
    );
  }
  // One number can stand for many where a stride is 0.
  if (tensor.byteLength > fileBytes) {
    const reason = `the tensor [${shape}] would take ${tensor.byteLength} bytes, more than its file`;
    pickle.fail(reason, 'TOO_LARGE');
  }
  return tensor;
}

function sizes(value: PickleValue | undefined, pickle: PickleMachine): number[] {
  if (!Array.isArray(value) || value.length > MOST_DIMENSIONS) {
    return pickle.fail('a shape that is none', 'BAD_TENSOR');
  }
  for (const size of value) {
    if (!Number.isSafeInteger(size) || (size as number) < 0) {
      pickle.fail('a size or stride that is no whole number from 0 on', 'BAD_TENSOR');
    }
  }
  return [...value] as number[];
}

/** What stands for a persistent id: a storage, or a class that came with its source. */
function persistent(id: PickleValue, pickle: PickleMachine): PickleValue {
  if (!Array.isArray(id)) return pickle.fail('a persistent id that is no tuple');
  const [kind, type, key, , count, view = null] = id;
  if (kind === 'module' && type instanceof PickledName) return type;
  if (kind !== 'storage') return pickle.refuse('with a persistent id that is no storage');
  if (!(type instanceof PickledName) || typeof key !== 'string') {
    return pickle.fail('a storage without a type or a name', 'BAD_TENSOR');
  }
  const isUntyped = type.name === 'torch.storage.UntypedStorage';
  const dtype = STORAGES.get(/^torch(?:\.cuda)?\.(\w+)$/.exec(type.name)?.[1]);
  if (!isUntyped && dtype === undefined) unsupported(type.name, pickle);
  const width = dtype === undefined ? 1 : bytesPerElement[dtype];
  const [elements] = sizes([count ?? null], pickle) as [number];
  const byteLength = elements * width;
  if (view === null) return new TorchStorage(key, dtype, byteLength, 0, byteLength);

  // Old versions had storages that were parts of others: the name, first element, and number of elements.
  const [first, length] = sizes(Array.isArray(view) ? view.slice(1, 3) : null, pickle);
  if (length === undefined || first! + length > elements) {
    return pickle.fail('a part of a storage that leads out of it', 'BAD_TENSOR');
  }
  return new TorchStorage(key, dtype, byteLength, first! * width, (first! + length) * width);
}

function dtypeOf(value: PickleValue, pickle: PickleMachine): DType {
  const name = value instanceof PickledName ? value.name : 'a dtype that is no name';
  const dtype = DTYPES.get(/^torch\.(\w+)$/.exec(name)?.[1]);
  return dtype ?? unsupported(name, pickle);
}

function unsupported(name: string, { file }: PickleMachine): never {
  const reason = `holds ${name}; read are ${Object.keys(bytesPerElement).join(', ')}`;
  throw new CheckpointError('UNSUPPORTED_DTYPE', reason, { file });
}
