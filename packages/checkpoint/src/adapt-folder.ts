import { CheckpointError } from './errors.js';
import type { Folder, ReadOptions } from './folder.js';
import { formatJson, type JsonObject } from './json.js';
import { transpose } from './strided.js';
import { bytesPerElement, elementCount, type StoredTensor, type TensorInfo } from './tensor.js';

/** What becomes of a tensor. */
export interface AdaptedTensor {
  name: string;
  /** Its shape, of as many elements, where it is to be another. */
  shape?: number[];
  /** A matrix that is to be turned over (after it has its new shape). */
  transposed?: boolean;
}

/** How a folder of another library is made to look like Hugging Face's. */
export interface Adaptation {
  /** In the place of config.json. */
  config?: JsonObject | undefined;
  /** What becomes of each tensor; undefined leaves it out. */
  tensor: (name: string, info: TensorInfo) => AdaptedTensor | undefined;
  /** Tensors that are zeros wherever the folder has not got them. */
  zeros?: ReadonlyMap<string, number[]>;
}

/**
 * The folder with another configuration, and its tensors under other names and in other shapes. A
 * tensor is changed when it is read; the others are not held.
 */
export function adaptFolder(folder: Folder, { config, tensor, zeros }: Adaptation): Folder {
  const added: ReadonlyMap<string, number[]> = zeros ?? new Map();

  async function* tensors(options?: ReadOptions): AsyncGenerator<StoredTensor> {
    const seen = new Set<string>();
    for await (const stored of folder.tensors(options)) {
      const adapted = tensor(stored.name, stored);
      if (adapted === undefined) continue;
      seen.add(adapted.name);
      yield adaptTensor(stored, adapted);
    }
    for (const [name, shape] of added) {
      const data = new Uint8Array(4 * elementCount(shape));
      if (!seen.has(name)) yield { name, dtype: 'F32', shape: [...shape], data };
    }
  }

  async function names(options?: ReadOptions): Promise<ReadonlyMap<string, TensorInfo>> {
    const named = new Map<string, TensorInfo>();
    for (const [name, info] of await folder.names(options)) {
      const adapted = tensor(name, info);
      if (adapted === undefined) continue;
      const shape = [...(adapted.shape ?? info.shape)];
      if (adapted.transposed) shape.reverse();
      named.set(adapted.name, { dtype: info.dtype, shape });
    }
    for (const [name, shape] of added) {
      if (!named.has(name)) named.set(name, { dtype: 'F32', shape: [...shape] });
    }
    return named;
  }

  const changed = config !== undefined && config !== folder.config;
  return {
    source: folder.source,
    config: changed ? config : folder.config,
    configText: changed ? formatJson(config) : folder.configText,
    readText: (name, options) => folder.readText(name, options),
    readBytes: (name, options) => folder.readBytes(name, options),
    readJson: (name, options) => folder.readJson(name, options),
    readPickle: (name, options) => folder.readPickle(name, options),
    tensors,
    names,
  };
}

function adaptTensor(
  { name, dtype, shape: stored, data }: StoredTensor,
  { name: newName, shape = stored, transposed = false }: AdaptedTensor,
): StoredTensor {
  if (elementCount(shape) !== elementCount(stored)) {
    const reason = `is [${stored.join(', ')}], which has not the elements of [${shape.join(', ')}]`;
    throw new CheckpointError('TENSOR_SIZE', reason, { key: name });
  }
  if (!transposed) return { name: newName, dtype, shape: [...shape], data };
  const [rows, columns, ...more] = shape;
  if (rows === undefined || columns === undefined || more.length > 0) {
    const reason = `is [${shape.join(', ')}], where a matrix was expected`;
    throw new CheckpointError('TENSOR_SIZE', reason, { key: name });
  }
  const turned = transpose(data, [rows, columns], bytesPerElement[dtype]);
  return { name: newName, dtype, shape: [columns, rows], data: turned };
}
