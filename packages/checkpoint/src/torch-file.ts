import { throwIfAborted } from './errors.js';
import { openPickle } from './pickle-file.js';
import type { PickleValue } from './pickle-values.js';
import { type RandomFile, randomFile } from './random-file.js';
import { blobFile, bytesFile } from './source.js';
import { gather } from './strided.js';
import { bytesPerElement, type StoredTensor } from './tensor.js';
import type { ReadTensorsOptions, TensorFile } from './tensor-file.js';
import { stateDict } from './torch-state.js';
import type { TorchTensor } from './torch-tensor.js';

/** A file of `torch.save`, whose tensors are read when they are asked for. */
export interface TorchFile extends TensorFile {
  /** All that was saved, with tensors in their places; see `PickleValue`. */
  readonly value: PickleValue;
  /** The bytes of a tensor in `value`, row by row whatever its strides. */
  read(tensor: TorchTensor, name?: string): Promise<StoredTensor>;
}

export interface ReadTorchOptions extends ReadTensorsOptions {
  /** How errors and progress name the file. */
  file?: string | undefined;
}

/**
 * Opens what `torch.save` wrote (a state dict, a checkpoint with one in it, or a whole module), in the
 * zip format and in the one before 1.6. Nothing of it is executed: only tensors and plain values are made.
 *
 * @throws CheckpointError PICKLE_REFUSED with the name of what the pickle would call; BAD_PICKLE,
 * BAD_ZIP, BAD_TENSOR, TOO_LARGE, TRUNCATED, UNSUPPORTED_DTYPE, NOT_SUPPORTED
 */
export async function readTorch(
  source: Uint8Array | Blob,
  options: ReadTorchOptions = {},
): Promise<TorchFile> {
  const { file = 'the given file', signal } = options;
  const opened = 'stream' in source ? blobFile(source, file) : bytesFile(source, file);
  return openTorch(await randomFile(opened, signal), options);
}

/** The same of an opened file, which it closes when it fails. */
export async function openTorch(
  source: RandomFile,
  { onProgress, signal }: ReadTensorsOptions = {},
): Promise<TorchFile> {
  const { file } = source;
  const { value, pickleBytes, locate } = await openPickle(source);

  async function read(tensor: TorchTensor, name = ''): Promise<StoredTensor> {
    const { dtype, shape, storage, offset, span } = tensor;
    const width = bytesPerElement[dtype];
    const begin = (await locate(storage)) + storage.begin + offset * width;
    const bytes = await source.read(begin, span * width);
    const data = tensor.isContiguous ? bytes : gather(bytes, shape, tensor.strides, width);
    return { name, dtype, shape: [...shape], data };
  }

  // Made when it is asked for: not every file has one.
  let named: Map<string, TorchTensor> | undefined;
  const state = () => {
    named ??= stateDict(value, { file, pickleBytes, fileBytes: source.byteLength });
    return named;
  };
  const totalBytes = () => {
    let total = 0;
    for (const { byteLength } of state().values()) total += byteLength;
    return total;
  };

  async function* tensors(): AsyncGenerator<StoredTensor, void, undefined> {
    try {
      const total = totalBytes();
      let loaded = 0;
      for (const [name, tensor] of state()) {
        throwIfAborted(signal, file);
        const stored = await read(tensor, name);
        loaded += stored.data.byteLength;
        onProgress?.({ phase: 'read', file, loaded, total });
        yield stored;
      }
    } finally {
      await source.close();
    }
  }

  return {
    value,
    get infos() {
      const info = ({ dtype, shape }: TorchTensor) => ({ dtype, shape: [...shape] });
      return new Map(Array.from(state(), ([name, tensor]) => [name, info(tensor)]));
    },
    get dataBytes() {
      return totalBytes();
    },
    read,
    tensors,
    close: () => source.close(),
  };
}
