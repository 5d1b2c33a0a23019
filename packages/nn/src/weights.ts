import { type StoredTensor, toFloat32 } from '@multihead/checkpoint';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { ModelError } from './errors.js';
import { Parameter } from './parameter.js';
import { type QuantizedBy, QuantizedMatrix } from './quantized-matrix.js';
import { Random } from './random.js';

/** Fills a fresh parameter of `shape`; `values` come as zeros. */
export type Initializer = (values: Float32Array, random: Random, shape: readonly number[]) => void;

export const zeros: Initializer = () => {};
export const ones: Initializer = (values) => void values.fill(1);
export const normal =
  (standardDeviation: number): Initializer =>
  (values, random) => {
    for (let i = 0; i < values.length; i++) values[i] = standardDeviation * random.normal();
  };

export interface WeightsOptions {
  /** The values by key, as `readTensors` gives them. Absent: everything is drawn. */
  tensors?: Map<string, Tensor | QuantizedMatrix>;
  /** Draw what `tensors` lacks. Without it a missing key is an error. */
  initializeMissing?: boolean;
  /** Seed of what is drawn: the same seed and key give the same values, in whatever order. */
  seed?: number;
  /** Make parameters without values, and put down here how each may be quantized, by key. */
  plan?: Map<string, QuantizedBy>;
}

export interface ParameterOptions {
  /**
   * It is a matrix that `linear` and `embedding` alone read, so that it may be held in int8, with one
   * scale a row or column.
   */
  quantizedBy?: QuantizedBy;
}

/** Which keys a model and its checkpoint did not have in common. */
export interface LoadReport {
  /** The model has them, the checkpoint had not: drawn anew. */
  missing: string[];
  /** The checkpoint has them, the model has no place for them: left out. */
  unexpected: string[];
}

/** What all scopes of one model share. */
interface Shared {
  readonly options: WeightsOptions;
  readonly parameters: Map<string, Parameter>;
  readonly missing: string[];
}

/**
 * A place in a checkpoint. A layer takes the scope it is given and reads its parameters from it; the
 * path walked is the key in the file, so there is no table of keys to keep:
 *
 * ```ts
 * new Linear(weights.at('encoder', 'layer', 0, 'attention', 'self', 'query'), { … })
 * // reads encoder.layer.0.attention.self.query.weight and .bias
 * ```
 *
 * The same constructor reads a file, draws fresh parameters for training, and names them for saving.
 */
export class Weights {
  #shared: Shared;
  #path = '';

  constructor(options: WeightsOptions = {}) {
    this.#shared = { options, parameters: new Map(), missing: [] };
  }

  /** The scope further down this path. */
  at(...path: (string | number)[]): Weights {
    const scope = new Weights();
    scope.#shared = this.#shared;
    scope.#path = [this.#path, ...path].filter((part) => part !== '').join('.');
    return scope;
  }

  /**
   * The parameter of this name here: read, or drawn by `initialize` where there is no file. Asking
   * twice gives the same parameter (tied weights).
   *
   * @throws ModelError `WRONG_SHAPE` where the file's tensor has another shape
   */
  parameter(
    name: string,
    shape: readonly number[],
    initialize: Initializer,
    { quantizedBy }: ParameterOptions = {},
  ): Parameter {
    const { options, parameters, missing } = this.#shared;
    const path = this.at(name).#path;
    const known = parameters.get(path);
    if (quantizedBy === undefined) options.plan?.delete(path);
    if (known !== undefined) {
      expectShape(path, known.shape, shape, 'in one place of the model; another');
      return known;
    }
    let value: Tensor | QuantizedMatrix | readonly number[] | undefined =
      options.tensors?.get(path);
    if (options.plan !== undefined) {
      if (quantizedBy !== undefined) options.plan.set(path, quantizedBy);
      value = shape;
    } else if (value !== undefined) {
      expectShape(path, value.shape, shape);
      options.tensors?.delete(path);
    } else {
      missing.push(path);
      value = draw(path, shape, initialize, options.seed ?? 0);
    }
    const parameter = new Parameter(path, value);
    parameters.set(path, parameter);
    return parameter;
  }

  /** Every parameter asked for so far, from anywhere in the model, by key. */
  get parameters(): ReadonlyMap<string, Parameter> {
    return this.#shared.parameters;
  }

  /**
   * Says that the model is complete: frees the tensors no parameter asked for and reports what did
   * not fit.
   *
   * @throws ModelError `MISSING_KEYS` where the file lacks something and `initializeMissing` is off
   */
  finish(): LoadReport {
    const { options, missing } = this.#shared;
    const unexpected = [...(options.tensors?.keys() ?? [])];
    if (options.tensors === undefined) return { missing: [], unexpected };
    if (missing.length > 0 && options.initializeMissing !== true) {
      throw new ModelError(
        'MISSING_KEYS',
        `The checkpoint lacks ${list(missing)}${unexpected.length > 0 ? ` (and has ${list(unexpected)}, which the model does not ask for)` : ''}. ` +
          'Is it a checkpoint of another model? initializeMissing: true draws what is missing.',
      );
    }
    disposeAll(options.tensors);
    return { missing, unexpected };
  }

  /** Frees everything, taken or not: for when building the model failed. */
  dispose(): void {
    for (const parameter of this.#shared.parameters.values()) parameter.dispose();
    disposeAll(this.#shared.options.tensors);
  }
}

/** Maps a key of the file to the model's key; undefined leaves the tensor out. */
export type KeyMap = (key: string) => string | undefined;

/** Below so many elements, or fewer rows than a panel has, a byte an element saves nothing. */
const FEWEST = { elements: 4096, rows: 16 };

/**
 * Puts stored tensors on the backend as they arrive, as float32 or, where `plan` says how, in int8, so
 * that neither the file nor a larger model is ever held beside them.
 *
 * @throws ModelError `BAD_INPUT` where two keys of the file mean the same weight
 */
export function readTensors(
  stored: AsyncIterable<StoredTensor> | Iterable<StoredTensor>,
  keyMap?: KeyMap,
): Promise<Map<string, Tensor>>;
export function readTensors(
  stored: AsyncIterable<StoredTensor> | Iterable<StoredTensor>,
  keyMap?: KeyMap,
  plan?: ReadonlyMap<string, QuantizedBy>,
): Promise<Map<string, Tensor | QuantizedMatrix>>;
export async function readTensors(
  stored: AsyncIterable<StoredTensor> | Iterable<StoredTensor>,
  keyMap: KeyMap = (key) => key,
  plan?: ReadonlyMap<string, QuantizedBy>,
): Promise<Map<string, Tensor | QuantizedMatrix>> {
  const tensors = new Map<string, Tensor | QuantizedMatrix>();
  try {
    for await (const one of stored) {
      const key = keyMap(one.name);
      if (key === undefined) continue;
      if (tensors.has(key)) {
        throw new ModelError(
          'BAD_INPUT',
          `${one.name} is ${key} a second time in this checkpoint.`,
        );
      }
      const values = toFloat32(one);
      const by = plan?.get(key);
      if (by !== undefined && isWorthIt(one.shape, by)) {
        tensors.set(key, new QuantizedMatrix(values, one.shape, by));
        continue;
      }
      // tfjs's cpu backend keeps the array it is given: it gets one of its own.
      const own = values.buffer === one.data.buffer ? values.slice() : values;
      tensors.set(key, tensor(own, one.shape, 'float32'));
    }
    return tensors;
  } catch (error) {
    disposeAll(tensors);
    throw error;
  }
}

function isWorthIt(shape: readonly number[], by: QuantizedBy): boolean {
  const [rows, columns] = shape as [number, number];
  return (
    shape.length === 2 &&
    rows * columns >= FEWEST.elements &&
    (by === 'rows' ? rows : columns) >= FEWEST.rows
  );
}

function draw(path: string, shape: readonly number[], fill: Initializer, seed: number): Tensor {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  fill(values, new Random(seed, path), shape);
  return tensor(values, [...shape], 'float32');
}

function expectShape(
  path: string,
  found: readonly number[],
  asked: readonly number[],
  where = 'in the checkpoint, but the configuration',
): void {
  if (found.join() === asked.join()) return;
  throw new ModelError('WRONG_SHAPE', `${path} is [${found}] ${where} asks for [${asked}].`);
}

function disposeAll(tensors: Map<string, Tensor | QuantizedMatrix> | undefined): void {
  for (const tensor of tensors?.values() ?? []) tensor.dispose();
  tensors?.clear();
}

function list(keys: string[]): string {
  const shown = keys.slice(0, 5).join(', ');
  return keys.length > 5 ? `${shown} and ${keys.length - 5} more` : shown;
}
