import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** One step of a run, a line of `training-log.jsonl`. */
export interface TrainingLogLine {
  step: number;
  [name: string]: number;
}

/**
 * A file with a JSON object for each step, written as the steps are done. A run that was resumed
 * replaces the lines of the steps that it takes again.
 */
export class TrainingLog {
  #begun = false;

  constructor(readonly path: string) {}

  add(line: TrainingLogLine): void {
    if (!this.#begun) this.#keepBefore(line.step);
    this.#begun = true;
    appendFileSync(this.path, toText([line]));
  }

  #keepBefore(step: number): void {
    mkdirSync(dirname(this.path), { recursive: true });
    const kept = readTrainingLog(this.path).filter((line) => line.step < step);
    const temporary = `${this.path}.${process.pid}.tmp`;
    writeFileSync(temporary, toText(kept));
    renameSync(temporary, this.path);
  }
}

/** The lines of a log; none where there is no log. */
function readTrainingLog(path: string): TrainingLogLine[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as TrainingLogLine];
    } catch {
      return []; // half a line, from a process that was killed
    }
  });
}

const toText = (lines: readonly TrainingLogLine[]) =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');
