/// <reference types="node" />
import type * as nodeFs from 'node:fs/promises';
import type * as nodePath from 'node:path';
import { type Folder, loadFolder } from '@multihead/checkpoint';
import { TrainingError } from './errors.js';

/** Written into every checkpoint; a folder without it is none. */
export const stateFile = 'trainer_state.json';

const pattern = /^checkpoint-(\d+)$/;
const removing = '.removing-';

/** The folder of a run, which holds its checkpoints: `checkpoint-100`, `checkpoint-200`, … */
export interface CheckpointFolders {
  /** How errors name it. */
  readonly source: string;
  /** The steps that have a folder, ascending, whether or not it is a whole checkpoint. */
  steps(): Promise<number[]>;
  /** How people name a step's folder. */
  describe(step: number): string;
  /** What `saveFolder` and `loadFolder` take for a step's folder. */
  at(step: number): Promise<string | FileSystemDirectoryHandle>;
  /** Whether a killed process left its save of this step half moved into place. */
  isUnfinished(step: number): Promise<boolean>;
  /** Removes a step's folder. */
  remove(step: number): Promise<void>;
  /** Returns when the names in the folder are safe on the disk; clears half removed checkpoints. */
  settle(): Promise<void>;
}

/** @throws TrainingError `BAD_OPTION` for a path in a browser */
export function checkpointFolders(root: string | FileSystemDirectoryHandle): CheckpointFolders {
  return typeof root === 'string' ? inPath(root) : inHandle(root);
}

/** The newest whole checkpoint, opened; undefined where there is none. */
export async function newestCheckpoint(
  folders: CheckpointFolders,
): Promise<{ step: number; folder: Folder } | undefined> {
  for (const step of (await folders.steps()).reverse()) {
    const folder = await loadFolder(await folders.at(step));
    if ((await folder.readBytes(stateFile)) !== undefined) return { step, folder };
  }
  return undefined;
}

function inPath(root: string): CheckpointFolders {
  const { process } = globalThis as { process?: NodeJS.Process };
  // Not an import: there is nothing for a bundler to follow into a browser.
  const fs: typeof nodeFs | undefined = process?.getBuiltinModule?.('node:fs/promises');
  const path: typeof nodePath | undefined = process?.getBuiltinModule?.('node:path');
  if (!process || !fs || !path || root === '' || /^[a-z][a-z0-9+.-]+:\/\//i.test(root)) {
    throw new TrainingError(
      'BAD_OPTION',
      `checkpoints.folder is "${root}"; it must be a path (in Node) or a FileSystemDirectoryHandle.`,
    );
  }
  const at = (name: string) => path.resolve(root, name);
  const list = (folder: string) =>
    fs.readdir(folder).catch((error: { code?: string }) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  return {
    source: root,
    describe: (step) => path.join(root, `checkpoint-${step}`),
    steps: async () => stepsIn(await list(root)),
    at: async (step) => at(`checkpoint-${step}`),
    isUnfinished: async (step) => hasStage(await list(at(`checkpoint-${step}`))),
    remove: async (step) => {
      // By another name first: a checkpoint that is half gone must not pass for a whole one.
      const doomed = at(`${removing}checkpoint-${step}`);
      await fs.rename(at(`checkpoint-${step}`), doomed);
      await fs.rm(doomed, { recursive: true, force: true });
    },
    settle: async () => {
      for (const name of await list(root)) {
        if (name.startsWith(removing)) await fs.rm(at(name), { recursive: true, force: true });
      }
      if (process.platform === 'win32') return; // opens no folders
      const handle = await fs.open(root, 'r');
      await handle.sync().finally(() => handle.close());
    },
  };
}

function inHandle(root: FileSystemDirectoryHandle): CheckpointFolders {
  const list = async (folder: FileSystemDirectoryHandle) => {
    const names: string[] = [];
    for await (const name of folder.keys()) names.push(name);
    return names;
  };
  const at = (step: number) => root.getDirectoryHandle(`checkpoint-${step}`, { create: true });
  return {
    source: root.name,
    describe: (step) => `${root.name}/checkpoint-${step}`,
    steps: async () => stepsIn(await list(root)),
    at,
    isUnfinished: async (step) => hasStage(await list(await at(step))),
    remove: async (step) => {
      const name = `checkpoint-${step}`;
      const folder = await root.getDirectoryHandle(name);
      await folder.removeEntry(stateFile).catch(() => {});
      await root.removeEntry(name, { recursive: true });
    },
    settle: async () => {},
  };
}

const stepsIn = (names: string[]): number[] =>
  names
    .flatMap((name) => pattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);

const hasStage = (names: string[]): boolean => names.some((name) => name.startsWith('.saving-'));
