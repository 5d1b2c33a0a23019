import { ByteReader, type Chunks, streamChunks } from './bytes.js';
import { CheckpointError, throwIfAborted } from './errors.js';
import {
  formatHeader,
  headerEnd,
  inFileOrder,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  trailing,
  truncated,
} from './safetensors-header.js';
import {
  bytesPerElement,
  checkSize,
  type StoredTensor,
  type TensorToStore,
  tensorBytes,
} from './tensor.js';

/** How far something long has come, in bytes over all its files. */
export interface Progress {
  phase: 'download' | 'read' | 'write';
  /** The file being worked on. */
  file: string;
  /** Bytes done so far. */
  loaded: number;
  /** Bytes in all, where they are known. */
  total: number | undefined;
}

export type OnProgress = (progress: Progress) => void;

export interface ReadSafetensorsOptions {
  /** How errors and progress name the file. */
  file?: string | undefined;
  /** Size of the file where it is certain, to be held against the header before anything is read. */
  byteLength?: number | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** A safetensors file whose header has been read. */
export interface SafetensorsFile {
  header: SafetensorsHeader;
  metadata: Record<string, string>;
  /**
   * The tensors in the order of the file, once; each has memory of its own (from bytes: a view of them).
   * Closes the file at its end, also when left early.
   */
  tensors(): AsyncGenerator<StoredTensor, void, undefined>;
  /** Lets go of a file whose tensors are not wanted. */
  close(): Promise<void>;
}

/**
 * Reads a safetensors file from bytes or, as they arrive, from a stream: beside what was yielded no
 * more than one tensor is in memory.
 *
 * @throws CheckpointError for a file that is not whole and right; see `parseSafetensorsHeader`.
 */
export async function readSafetensors(
  source: Uint8Array | Chunks | ReadableStream<Uint8Array>,
  options: ReadSafetensorsOptions = {},
): Promise<SafetensorsFile> {
  if (ArrayBuffer.isView(source)) return fromBytes(source, options);
  const { file, signal, byteLength } = options;
  const chunks = 'getReader' in source ? streamChunks(source, signal) : source;
  const reader = new ByteReader(chunks, signal, file);
  let header: SafetensorsHeader;
  try {
    const first = await reader.read(8, true);
    const end = headerEnd(first, { file, byteLength });
    const rest = await reader.read(end - 8, byteLength !== undefined);
    const bytes = new Uint8Array(8 + rest.byteLength);
    bytes.set(first);
    bytes.set(rest, 8);
    header = parseSafetensorsHeader(bytes, { file, byteLength });
  } catch (error) {
    await reader.close();
    throw error;
  }
  return {
    header,
    metadata: header.metadata,
    tensors: () => readTensors(reader, header, options),
    close: () => reader.close(),
  };
}

async function* readTensors(
  reader: ByteReader,
  header: SafetensorsHeader,
  { file, byteLength, onProgress }: ReadSafetensorsOptions,
): AsyncGenerator<StoredTensor, void, undefined> {
  const total = header.dataBytes;
  let loaded = 0;
  const onBytes = (count: number) => {
    loaded += count;
    onProgress?.({ phase: 'read', file: file ?? '', loaded, total });
  };
  try {
    for (const { name, dtype, shape, begin, end } of inFileOrder(header.tensors.values())) {
      const data = await reader.read(end - begin, byteLength !== undefined, onBytes);
      if (data.byteLength < end - begin) {
        const found = header.dataStart + begin + data.byteLength;
        throw truncated(file, `the tensor ends at byte ${header.dataStart + end}`, found, name);
      }
      yield { name, dtype, shape: [...shape], data };
    }
    if (!(await reader.ended())) throw trailing(file, undefined);
  } finally {
    await reader.close();
  }
}

function fromBytes(bytes: Uint8Array, options: ReadSafetensorsOptions): SafetensorsFile {
  const { file, onProgress, signal } = options;
  const header = parseSafetensorsHeader(bytes, { file, byteLength: bytes.byteLength });
  async function* tensors(): AsyncGenerator<StoredTensor, void, undefined> {
    for (const { name, dtype, shape, begin, end } of inFileOrder(header.tensors.values())) {
      throwIfAborted(signal, file);
      const data = bytes.subarray(header.dataStart + begin, header.dataStart + end);
      onProgress?.({ phase: 'read', file: file ?? '', loaded: end, total: header.dataBytes });
      yield { name, dtype, shape: [...shape], data };
    }
  }
  return { header, metadata: header.metadata, tensors, close: async () => {} };
}

export interface WriteSafetensorsOptions {
  /** Strings kept in the header. By default `{ format: 'pt' }`, which transformers asks for. */
  metadata?: Record<string, string> | undefined;
}

/** The tensors as the bytes of a safetensors file. For a large model prefer `streamSafetensors`. */
export function writeSafetensors(
  tensors: Iterable<StoredTensor>,
  options: WriteSafetensorsOptions = {},
): Uint8Array {
  const ordered = alignedOrder(tensors);
  const header = formatHeader(ordered, options.metadata ?? { format: 'pt' });
  const size = ordered.reduce((sum, tensor) => sum + tensorBytes(tensor), header.byteLength);
  const file = new Uint8Array(size);
  file.set(header);
  let at = header.byteLength;
  for (const tensor of ordered) {
    checkSize(tensor, tensor.data);
    file.set(tensor.data, at);
    at += tensor.data.byteLength;
  }
  return file;
}

/** The same file piece by piece: each tensor's data is asked for when it is due. */
export async function* streamSafetensors(
  tensors: Iterable<TensorToStore>,
  options: WriteSafetensorsOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const ordered = alignedOrder(tensors);
  yield formatHeader(ordered, options.metadata ?? { format: 'pt' });
  for (const tensor of ordered) {
    const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
    if (!ArrayBuffer.isView(data)) {
      throw new CheckpointError('TENSOR_SIZE', 'its data is not a Uint8Array', {
        key: tensor.name,
      });
    }
    checkSize(tensor, data);
    yield data;
  }
}

/**
 * The order in which tensors are written: the one given, if it leaves each tensor aligned to its element
 * size, so that a file read and written again is the same file. Otherwise wide elements come first,
 * which aligns all of them; the reference library orders so too.
 */
export function alignedOrder<T extends TensorToStore>(tensors: Iterable<T>): T[] {
  const given = [...tensors];
  let at = 0;
  const aligned = given.every((tensor) => {
    const begin = at;
    at += tensorBytes(tensor);
    return begin % bytesPerElement[tensor.dtype] === 0;
  });
  if (aligned) return given;
  return given.sort((a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype]);
}
