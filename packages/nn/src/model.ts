import {
  type Folder,
  formatJson,
  fromFloat32,
  type JsonObject,
  type LoadFolderOptions,
  loadFolder,
  type SaveFolderOptions,
  saveFolder,
} from '@multihead/checkpoint';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import './dispose-symbol.js';
import { ModelError } from './errors.js';
import { type Parameter, quantizedOf } from './parameter.js';
import type { QuantizedBy } from './quantized-matrix.js';
import type { Random } from './random.js';
import { type KeyMap, type LoadReport, readTensors, Weights } from './weights.js';

/** A model's configuration: read from and written to `config.json`. */
export interface ModelConfig {
  toJson(): JsonObject;
}

/** What training, saving and inspection know of a model. */
export interface Model {
  readonly config: ModelConfig;
  /** Every weight, by its key in the checkpoint. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  dispose(): void;
}

/** Options that every model's `forward` takes. */
export interface ForwardOptions {
  /** Dropout is on and draws from this; without it (inference) dropout does nothing. */
  random?: Random | undefined;
}

/** A model that learns: `labels` in the batch give a scalar `loss`. */
export interface TrainableModel<Batch> extends Model {
  /** `outputLogits: false` says that only the loss is wanted, which may be much cheaper. */
  forward(
    batch: Batch,
    options?: ForwardOptions & { outputLogits?: boolean },
  ): { loss?: Tensor | undefined; dispose(): void };
}

export interface SaveOptions extends SaveFolderOptions {
  /** What the weights are stored as; default F32. */
  dtype?: 'F32' | 'F16' | 'BF16';
  /** Written beside the model, for example a tokenizer's files. */
  files?: Record<string, string | Uint8Array>;
}

/** What PyTorch, and so `config.json`, calls the stored types. */
const TORCH_NAMES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** What all models share: configuration, parameters, saving, disposal. */
export abstract class PretrainedModel<Config extends ModelConfig> implements Model {
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** The class's name in Hugging Face's library, for `config.json`. */
  protected abstract readonly architecture: string;

  constructor(
    readonly config: Config,
    weights: Weights,
  ) {
    this.parameters = weights.parameters;
  }

  /**
   * Writes a folder that Hugging Face's library reads: `config.json` and `model.safetensors`
   * (sharded where it grows past `maxShardSize`). What stood there before stays whole until the new
   * files are complete.
   *
   * @throws ModelError `QUANTIZED` where the model was loaded as q8; CheckpointError
   */
  async save(
    destination: Parameters<typeof saveFolder>[0],
    { dtype = 'F32', files, ...options }: SaveOptions = {},
  ): Promise<void> {
    // What is held in int8 says that it cannot be saved, before a file is touched.
    for (const parameter of this.parameters.values())
      if (quantizedOf(parameter)) parameter.tensor();
    const tensors = [...this.parameters.values()].map((parameter) => {
      const { path, shape } = parameter;
      return {
        name: path,
        dtype,
        shape: [...shape],
        data: async () => fromFloat32(path, [...shape], await parameter.data(), dtype).data,
      };
    });
    const json = this.config.toJson();
    const changed = { ...json, ...this.#described(json, dtype) };
    const same = JSON.stringify(changed) === JSON.stringify(json);
    const config = same ? json : formatJson(changed, json);
    const contents = { config, tensors, ...(files && { files }) };
    await saveFolder(destination, contents, options);
  }

  /** What `config.json` says of the class, and of the stored type where it says anything. */
  #described(json: JsonObject, dtype: keyof typeof TORCH_NAMES): JsonObject {
    const described: JsonObject = { architectures: [this.architecture] };
    for (const key of ['dtype', 'torch_dtype']) {
      if (key in json) described[key] = TORCH_NAMES[dtype];
    }
    return described;
  }

  /** Frees the weights. Using the model afterwards is an error. */
  dispose(): void {
    for (const parameter of this.parameters.values()) parameter.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export interface FromPretrainedOptions extends LoadFolderOptions {
  /**
   * What the weights are held as. `'q8'` rounds the matrices of linear layers and embeddings to int8
   * as they arrive: a quarter of the memory and a faster forward pass, but no training of them and no
   * saving. Default `'float32'`.
   */
  dtype?: 'float32' | 'q8';
  /** Draw weights the checkpoint lacks (a new head, say) in place of an error. */
  initializeMissing?: boolean;
  /** Seed of what is drawn; default 0. */
  seed?: number;
  /** Called once with the keys that model and checkpoint did not have in common. */
  onReport?: (report: LoadReport) => void;
}

/** A folder, URL or hub id, or a folder already opened. */
export type PretrainedSource = Parameters<typeof loadFolder>[0] | Folder;

/** How a family builds its models from a folder. */
export interface Recipe<Config, M> {
  /** Makes the folder of another library look like Hugging Face's. */
  adapt?: (folder: Folder) => Promise<Folder>;
  config: (json: JsonObject) => Config;
  /** Old and foreign spellings of keys to the model's own. */
  keyMap: (config: Config) => KeyMap;
  build: (config: Config, weights: Weights) => M;
}

/**
 * Loads a model from a Hugging Face folder: configuration, then weights, put on the backend as they
 * arrive. On failure nothing stays behind.
 *
 * @throws ModelError `BAD_CONFIG`, `MISSING_KEYS`, `WRONG_SHAPE`; CheckpointError for unreadable files
 */
export async function loadPretrained<Config, M>(
  source: PretrainedSource,
  { adapt, config: readConfig, keyMap, build }: Recipe<Config, M>,
  options: FromPretrainedOptions = {},
): Promise<M> {
  const { dtype = 'float32', initializeMissing = false, seed = 0, onReport, ...loading } = options;
  if (dtype !== 'float32' && dtype !== 'q8') {
    throw new ModelError('BAD_INPUT', `dtype is ${dtype}; it must be 'float32' or 'q8'.`);
  }
  const opened = isFolder(source) ? source : await loadFolder(source, loading);
  const folder = adapt ? await adapt(opened) : opened;
  if (folder.config === undefined) {
    throw new ModelError('BAD_CONFIG', `${folder.source} has no config.json.`);
  }
  const config = readConfig(folder.config);
  const plan = dtype === 'q8' ? quantizationPlan(config, build) : undefined;
  const { onProgress, signal } = loading;
  const stored = folder.tensors({ ...(onProgress && { onProgress }), ...(signal && { signal }) });
  const weights = new Weights({
    tensors: await readTensors(stored, keyMap(config), plan),
    initializeMissing,
    seed,
  });
  try {
    const model = build(config, weights);
    const report = weights.finish();
    onReport?.(report);
    return model;
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

/** How each weight may be held in int8: what the layers say of it, asked before any weight is there. */
function quantizationPlan<Config, M>(config: Config, build: Recipe<Config, M>['build']) {
  const plan = new Map<string, QuantizedBy>();
  tidy(() => void build(config, new Weights({ plan })));
  return plan;
}

function isFolder(source: PretrainedSource): source is Folder {
  return typeof source === 'object' && typeof (source as Partial<Folder>).tensors === 'function';
}
