import type { JsonObject } from '@multihead/checkpoint';
import type { Model } from '@multihead/nn';
import {
  type CheckpointFolders,
  checkpointFolders,
  newestCheckpoint,
} from './checkpoint-folders.js';
import { expectWhole, TrainingError } from './errors.js';
import {
  type RunState,
  restoreCheckpoint,
  type SavableModel,
  saveCheckpoint,
} from './training-checkpoint.js';

export interface CheckpointOptions {
  /** Holds this run's checkpoints and no other's; a path, or in a browser a folder's handle. */
  folder: string | FileSystemDirectoryHandle;
  /** Steps between checkpoints; there is one at the end, too. */
  every: number;
  /** How many to keep, the newest ones; default 2. */
  keep?: number;
  /** Write one when the signal is aborted; default true. */
  onAbort?: boolean;
  /** Written into each beside the model, for example a tokenizer's files. */
  files?: Record<string, string | Uint8Array>;
}

/** The checkpoints of one run. */
export class RunCheckpoints {
  readonly every: number;
  /** The step of the newest checkpoint. */
  savedStep: number | undefined;
  readonly #model: SavableModel;
  readonly #folders: CheckpointFolders;
  readonly #options: CheckpointOptions;
  readonly #settings: JsonObject;
  readonly #steps: number;

  /** @throws TrainingError `BAD_OPTION` */
  constructor(
    model: Model & Partial<Pick<SavableModel, 'save'>>,
    options: CheckpointOptions,
    settings: JsonObject,
    steps: number,
  ) {
    expectWhole('checkpoints.every', options.every, 1);
    expectWhole('checkpoints.keep', options.keep ?? 2, 1);
    if (!isSavable(model)) {
      throw new TrainingError('BAD_OPTION', 'checkpoints need a model with a save method.');
    }
    this.every = options.every;
    this.#model = model;
    this.#folders = checkpointFolders(options.folder);
    this.#options = options;
    this.#settings = settings;
    this.#steps = steps;
  }

  /** The state to go on from, the weights put back; undefined for a run that begins. */
  async begin(resume: boolean): Promise<RunState | undefined> {
    const found = await newestCheckpoint(this.#folders);
    if (found === undefined) return undefined;
    const { step, folder } = found;
    if (!resume) {
      throw new TrainingError(
        'CHECKPOINTS_EXIST',
        `${this.#folders.source} has a checkpoint of step ${step}. Go on from it with resume: true, or train into another folder.`,
      );
    }
    if (step > this.#steps) {
      throw new TrainingError(
        'RESUME_MISMATCH',
        `${folder.source} is of step ${step}, and the run has ${this.#steps} steps.`,
      );
    }
    const state = await restoreCheckpoint(folder, this.#model, this.#settings);
    this.savedStep = step;
    // Whoever reads the folder without our loader should find its files in their places.
    if (await this.#folders.isUnfinished(step)) await this.save(state);
    return state;
  }

  /** Writes the checkpoint of this state and says where it is. */
  async save(state: RunState): Promise<string> {
    const { files, keep = 2 } = this.#options;
    const contents = {
      model: this.#model,
      state,
      settings: this.#settings,
      steps: this.#steps,
      files,
    };
    await saveCheckpoint(this.#folders, contents, keep);
    this.savedStep = state.step;
    return this.#folders.describe(state.step);
  }

  /** For an abort: where the state is kept, undefined if it is not. */
  async saveAborted(state: RunState): Promise<string | undefined> {
    if (state.step === 0) return undefined;
    if (state.step !== this.savedStep && this.#options.onAbort !== false) await this.save(state);
    return this.newest.checkpoint;
  }

  get newest(): { checkpoint?: string } {
    return this.savedStep === undefined
      ? {}
      : { checkpoint: this.#folders.describe(this.savedStep) };
  }
}

function isSavable(model: Model & Partial<Pick<SavableModel, 'save'>>): model is SavableModel {
  return typeof model.save === 'function';
}
