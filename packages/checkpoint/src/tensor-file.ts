import type { OnProgress } from './safetensors.js';
import type { StoredTensor, TensorInfo } from './tensor.js';

/** Weights in whatever format, of which so far is known what there is. */
export interface TensorFile {
  readonly infos: ReadonlyMap<string, TensorInfo>;
  /** Bytes that all tensors take. */
  readonly dataBytes: number;
  /** Each tensor, once; in memory is only the one that was given. Closes the file at its end, also when left early. */
  tensors(): AsyncGenerator<StoredTensor, void, undefined>;
  /** Lets go of a file whose tensors are not wanted. */
  close(): Promise<void>;
}

export interface ReadTensorsOptions {
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}
