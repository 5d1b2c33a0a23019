import {
  type Folder,
  formatJson,
  fromFloat32,
  type JsonObject,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  toInt32,
  writeSafetensors,
} from '@multihead/checkpoint';
import type { Model, SaveOptions } from '@multihead/nn';
import { tensor } from '@tensorflow/tfjs-core';
import { type CheckpointFolders, stateFile } from './checkpoint-folders.js';
import { TrainingError } from './errors.js';
import { differences } from './fingerprint.js';
import { disposeState, type OptimizerState } from './optimizer.js';
import type { LogEntry } from './run-log.js';

const optimizerFile = 'optimizer.safetensors';

/** A model that can be written as a Hugging Face folder; `PretrainedModel` can. */
export interface SavableModel extends Model {
  save(destination: string | FileSystemDirectoryHandle, options?: SaveOptions): Promise<void>;
}

/** All that a run carries from one step to the next, beside the weights. */
export interface RunState {
  /** Steps done. */
  step: number;
  /** Passes over the data. */
  epoch: number;
  optimizer: OptimizerState;
  log: LogEntry[];
  /** The losses since the last entry of the log. */
  pending: { sum: number; count: number };
  /** Time spent training, over all sittings. */
  seconds: number;
}

export interface CheckpointContents {
  model: SavableModel;
  state: RunState;
  /** What a run that goes on from here must have in common with this one. */
  settings: JsonObject;
  /** Steps in all. */
  steps: number;
  /** Written beside the model, for example a tokenizer's files. */
  files?: Record<string, string | Uint8Array> | undefined;
}

/**
 * Writes `checkpoint-<step>`: the model in Hugging Face's format, `optimizer.safetensors` and
 * `trainer_state.json`, all at one instant (`saveFolder` sees to that); then removes the oldest
 * checkpoints beyond `keep`. Whatever stops it leaves the checkpoints there were.
 *
 * @throws CheckpointError `DISK_FULL`, `IO_ERROR`
 */
export async function saveCheckpoint(
  folders: CheckpointFolders,
  { model, state, settings, steps, files }: CheckpointContents,
  keep: number,
): Promise<void> {
  const trainerState = {
    global_step: state.step,
    max_steps: steps,
    epoch: state.epoch,
    seconds: state.seconds,
    pending_loss: { ...state.pending },
    settings,
    log_history: state.log.map((entry) => renamed(entry, snakeCase)),
  };
  await model.save(await folders.at(state.step), {
    files: {
      ...files,
      [optimizerFile]: writeSafetensors(await storedState(state.optimizer)),
      [stateFile]: formatJson(trainerState),
    },
  });
  await folders.settle();
  const older = (await folders.steps()).filter((step) => step < state.step);
  for (const step of older.slice(0, Math.max(0, older.length - keep + 1)))
    await folders.remove(step);
}

/**
 * Puts a model and its run where the checkpoint left them, bit for bit. Nothing is touched before it
 * is known that the checkpoint fits.
 *
 * @throws TrainingError `RESUME_MISMATCH`, `BAD_CHECKPOINT`; CheckpointError for unreadable files
 */
export async function restoreCheckpoint(
  folder: Folder,
  model: Model,
  settings: JsonObject,
): Promise<RunState> {
  const json = await folder.readJson(stateFile);
  const wrong = differences(json?.settings ?? null, settings);
  if (wrong.length > 0) {
    throw new TrainingError(
      'RESUME_MISMATCH',
      `${folder.source} is of another run: ${wrong.join('; ')}. Resume with the settings and data it was started with, or start anew in another folder.`,
    );
  }
  const bytes = await folder.readBytes(optimizerFile);
  if (json === undefined || bytes === undefined) {
    throw bad(folder, `it lacks ${json === undefined ? stateFile : optimizerFile}`);
  }
  await expectSameWeights(folder, model);
  const optimizer = await readState(bytes, folder, model);
  try {
    for await (const stored of folder.tensors()) {
      const value = tensor(toFloat32(stored), stored.shape, 'float32');
      model.parameters.get(stored.name)!.assign(value);
    }
    return { ...readProgress(json, folder), optimizer };
  } catch (error) {
    disposeState(optimizer);
    throw error;
  }
}

function readProgress(json: JsonObject, folder: Folder): Omit<RunState, 'optimizer'> {
  const { global_step: step, epoch, seconds, pending_loss: pending, log_history: log } = json;
  const { sum, count } = (pending ?? {}) as JsonObject;
  const numbers = [step, epoch, seconds, sum, count].every((value) => typeof value === 'number');
  if (!numbers || !Array.isArray(log)) throw bad(folder, `its ${stateFile} is not one of training`);
  return {
    step: step as number,
    epoch: epoch as number,
    seconds: seconds as number,
    pending: { sum: sum as number, count: count as number },
    log: log.map((entry) => renamed(entry as JsonObject, camelCase) as unknown as LogEntry),
  };
}

async function expectSameWeights(folder: Folder, model: Model): Promise<void> {
  const stored = await folder.names();
  const missing = [...model.parameters.keys()].find((key) => !stored.has(key));
  if (missing !== undefined) throw bad(folder, `it lacks the weight ${missing}`);
  for (const [key, { dtype, shape }] of stored) {
    const parameter = model.parameters.get(key);
    if (parameter === undefined) throw bad(folder, `the model has no weight ${key}`);
    if (dtype !== 'F32') throw bad(folder, `${key} is ${dtype}; training is resumed from F32`);
    if (parameter.shape.join() !== shape.join()) {
      throw bad(folder, `${key} is [${shape}], and in the model [${parameter.shape}]`);
    }
  }
}

/** `step.<key>`, `exp_avg.<key>` and so on, in an order that does not depend on the run's history. */
async function storedState(state: OptimizerState): Promise<StoredTensor[]> {
  const stored: StoredTensor[] = [];
  for (const [key, { step, tensors }] of [...state].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setInt32(0, step, true);
    stored.push({ name: `step.${key}`, dtype: 'I32', shape: [], data });
    for (const [slot, value] of Object.entries(tensors)) {
      const values = await value.data<'float32'>();
      stored.push(fromFloat32(`${slot}.${key}`, value.shape, values));
    }
  }
  return stored;
}

async function readState(bytes: Uint8Array, folder: Folder, model: Model): Promise<OptimizerState> {
  const state: OptimizerState = new Map();
  try {
    const file = await readSafetensors(bytes, { file: `${folder.source}/${optimizerFile}` });
    for await (const stored of file.tensors()) {
      const dot = stored.name.indexOf('.');
      const [slot, key] = [stored.name.slice(0, dot), stored.name.slice(dot + 1)];
      const parameter = model.parameters.get(key);
      if (parameter === undefined) throw bad(folder, `the model has no weight for ${stored.name}`);
      const entry = state.get(key) ?? { step: 0, tensors: {} };
      state.set(key, entry);
      if (slot === 'step') entry.step = toInt32(stored)[0]!;
      else entry.tensors[slot] = tensor(toFloat32(stored), stored.shape, 'float32');
      if (slot !== 'step' && stored.shape.join() !== parameter.shape.join()) {
        throw bad(
          folder,
          `${stored.name} is [${stored.shape}], and its weight [${parameter.shape}]`,
        );
      }
    }
    return state;
  } catch (error) {
    disposeState(state);
    throw error;
  }
}

function bad(folder: Folder, reason: string): TrainingError {
  return new TrainingError('BAD_CHECKPOINT', `${folder.source} cannot be resumed: ${reason}.`);
}

/** A flat record under other names; what JSON cannot hold (NaN, infinities) is left out. */
function renamed(record: object, rename: (key: string) => string): JsonObject {
  const known = Object.entries(record).filter(([, value]) => Number.isFinite(value));
  return Object.fromEntries(known.map(([key, value]) => [rename(key), value as number]));
}

const snakeCase = (key: string) => key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
const camelCase = (key: string) => key.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());
