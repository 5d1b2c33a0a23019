// What came of the runs, a small JSON file each.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';

/** Results in a folder, each with the mark of the settings it was made by: those of others are refused. */
export class Results {
  #folder;

  constructor(folder) {
    this.#folder = folder;
  }

  /** Undefined where there is none yet. */
  async read(name, settings) {
    const file = this.#file(name);
    let text;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }
    const { settings: mark, ...result } = JSON.parse(text);
    if (mark === markOf(settings)) return result;
    throw new Error(
      `${file} was made by other settings than the recipe's. Delete results and .cache, or undo what was changed.`,
    );
  }

  /** It has to be there. */
  async expect(name, settings) {
    const result = await this.read(name, settings);
    if (result) return result;
    throw new Error(`There is no result of ${name} yet: run it without --report.`);
  }

  async write(name, settings, result) {
    await mkdir(this.#folder, { recursive: true });
    const text = `${JSON.stringify({ settings: markOf(settings), ...result }, undefined, 2)}\n`;
    await writeFile(`${this.#file(name)}.part`, text);
    await rename(`${this.#file(name)}.part`, this.#file(name));
  }

  #file(name) {
    return `${this.#folder}/${name}.json`;
  }
}

const markOf = (settings) =>
  createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
