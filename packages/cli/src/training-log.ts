import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '@multihead/checkpoint';

/** One step of a run, a line of `training-log.jsonl`. */
export interface TrainingLogLine {
  step: number;
  [name: string]: number;
}

/**
 * A file with a JSON object for each step. It grows while the run goes on; a run that was resumed
 * replaces the lines of steps that it takes again.
 */
export class TrainingLog {
  #waiting: string[] = [];
  #begun = false;

  constructor(readonly path: string) {}

  /** Keeps a line until `flush`. */
  add(line: TrainingLogLine): void {
    this.#waiting.push(`${JSON.stringify(line)}\n`);
  }

  /** Writes what was added. */
  async flush(): Promise<void> {
    const lines = this.#waiting.splice(0);
    if (lines.length === 0) return;
    if (!this.#begun) {
      const { step } = JSON.parse(lines[0]!) as TrainingLogLine;
      await mkdir(dirname(this.path), { recursive: true });
      const before = await readTrainingLog(this.path);
      const kept = before.filter((line) => line.step < step).map((line) => JSON.stringify(line));
      await writeFileAtomic(this.path, kept.map((line) => `${line}\n`).join(''));
      this.#begun = true;
    }
    await appendFile(this.path, lines.join(''));
  }
}

/** The lines of a log, in the order of their steps; none where there is no log. */
export async function readTrainingLog(path: string): Promise<TrainingLogLine[]> {
  const text = await readFile(path, 'utf8').catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as TrainingLogLine];
    } catch {
      return []; // half a line, from a process that was killed
    }
  });
}
