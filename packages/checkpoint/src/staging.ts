import { decodeText } from './bytes.js';
import type { Disk } from './disk.js';
import { isCheckpointError } from './errors.js';
import { type JsonObject, parseJson } from './json.js';
import { nodeModules } from './node.js';
import { type FileSource, readAll } from './source.js';
import { indexFile, modelFile } from './weight-files.js';

// Several files cannot be replaced at one instant, and a folder cannot be swapped for another without an
// instant at which there is none (nor without carrying along whatever else people keep in it). So a save
// is a small transaction:
//
//   1. Every new file is written, whole and fsynced, into `.saving-…/files/` inside the folder.
//   2. `.saving-…/commit.json`, a list of them, is renamed into place. This is the instant of the save.
//   3. Old weights are removed, the files are moved to their places (weights last), the rest is cleared.
//
// Whatever stops it before 2 leaves the old folder as it was. Whatever stops it after 2 leaves all of the
// new one: `loadFolder` looks into a committed `.saving-…` first, and the next `saveFolder` finishes it.
// Another reader that comes between sees the old model, the new model, or one without weights, but never
// new weights beside an old config.

const stagePattern = /^\.saving-([0-9a-z]+)-[0-9a-z]+$/;

export interface Commit {
  files: string[];
  remove: string[];
}

/** The name of a folder for a save of this process. */
export function newStage(): string {
  const owner = nodeModules()?.process.pid ?? 'web';
  return `.saving-${owner}-${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
}

export function isStageName(name: string): boolean {
  return name.startsWith('.saving-');
}

export const stagedName = (stage: string, name: string): string => `${stage}/files/${name}`;

/** Whether the weights of a model are in a file of this name. */
export function isWeights(name: string): boolean {
  return name === modelFile || name === indexFile || /^model-\d+-of-\d+\.safetensors$/.test(name);
}

/** Step 2. From here on the save has happened. */
export async function commit(disk: Disk, stage: string, what: Commit): Promise<void> {
  await disk.sync(`${stage}/files`);
  const text = JSON.stringify({ files: what.files, remove: what.remove });
  await disk.write(`${stage}/commit.new`, [new TextEncoder().encode(text)]);
  await disk.rename(`${stage}/commit.new`, `${stage}/commit.json`);
  await disk.sync(stage);
  await disk.sync('');
}

/** Step 3. May be done again and again, from wherever it was stopped. */
export async function finish(disk: Disk, stage: string, { files, remove }: Commit): Promise<void> {
  for (const name of remove) {
    // Where the new file is no longer staged it is in its place already: that one must stay.
    if (!files.includes(name) || (await isThere(disk, stagedName(stage, name)))) {
      await disk.remove(name);
    }
  }
  const order = [...files].sort((a, b) => Number(isWeights(a)) - Number(isWeights(b)));
  for (const name of order) await disk.rename(stagedName(stage, name), name);
  await disk.sync('');
  await discard(disk, stage);
}

/** Removes a stage: first what makes it count, so that half a removal is not half a commit. */
export async function discard(disk: Disk, stage: string): Promise<void> {
  await disk.remove(`${stage}/commit.json`);
  await disk.remove(stage);
}

async function isThere(disk: Disk, name: string): Promise<boolean> {
  const opened = await disk.open(name);
  await opened?.close();
  return opened !== undefined;
}

/** Finishes what an earlier save committed, and clears what one that died left behind. */
export async function recover(disk: Disk): Promise<void> {
  for (const { stage, commit } of await findStages(disk)) {
    if (commit) await finish(disk, stage, commit);
    else if (isDead(stage)) await disk.remove(stage);
  }
}

/** The folder as its last committed save left it. */
export async function committedView(disk: Disk): Promise<FileSource> {
  const stages = await findStages(disk);
  const last = stages.filter(({ commit }) => commit).at(-1);
  if (!last?.commit) return disk;
  const { stage, commit } = last;
  return {
    source: disk.source,
    describe: disk.describe,
    open: async (name, options) => {
      if (commit.files.includes(name)) {
        const staged = await disk.open(stagedName(stage, name), options);
        if (staged) return staged;
      } else if (commit.remove.includes(name)) {
        return undefined;
      }
      return disk.open(name, options);
    },
  };
}

async function findStages(disk: Disk): Promise<{ stage: string; commit: Commit | undefined }[]> {
  const stages = (await disk.list()).filter((name) => stagePattern.test(name)).sort();
  return Promise.all(
    stages.map(async (stage) => ({ stage, commit: await readCommit(disk, stage) })),
  );
}

async function readCommit(disk: Disk, stage: string): Promise<Commit | undefined> {
  const name = `${stage}/commit.json`;
  const opened = await disk.open(name);
  if (!opened) return undefined;
  const isName = (value: unknown): value is string =>
    typeof value === 'string' && !value.split('/').some((part) => /^\.{0,2}$/.test(part));
  const names = (json: JsonObject, key: string) => {
    const list = json[key];
    return Array.isArray(list) ? list.filter(isName) : [];
  };
  try {
    const json = parseJson(decodeText(await readAll(opened), name), name);
    return { files: names(json, 'files'), remove: names(json, 'remove') };
  } catch (error) {
    if (isCheckpointError(error) && error.code === 'BAD_JSON') return undefined;
    throw error;
  }
}

/** Whether the process that was saving is gone. A page cannot know, and takes it to be. */
function isDead(stage: string): boolean {
  const owner = stagePattern.exec(stage)?.[1];
  const node = nodeModules();
  if (!node || !owner || !/^\d+$/.test(owner)) return true;
  if (Number(owner) === node.process.pid) return false;
  try {
    node.process.kill(Number(owner), 0);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === 'ESRCH';
  }
}
