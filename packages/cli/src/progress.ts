import { MultiBar, type SingleBar } from 'cli-progress';
import pc from 'picocolors';

/** What a bar shows: how far, and some words on how it goes. */
export interface ProgressUpdate {
  done: number;
  /** Unknown for a stream. */
  total?: number | undefined;
  note?: string;
}

/** Seconds between the lines that stand in for a bar where there is no terminal. */
const LINE_INTERVAL = 10;
const BAR_WIDTH = 24;

/**
 * Progress of one task, on stderr: a bar in a terminal, elsewhere a line now and then, nothing when
 * quiet.
 */
export class Progress {
  readonly #title: string;
  readonly #quiet: boolean;
  readonly #bars: MultiBar | undefined;
  #bar: SingleBar | undefined;
  #lastLine = 0;
  #last: ProgressUpdate | undefined;

  constructor(title: string, { quiet = false }: { quiet?: boolean | undefined } = {}) {
    this.#title = title;
    this.#quiet = quiet;
    if (quiet || !process.stderr.isTTY) return;
    this.#bars = new MultiBar({
      stream: process.stderr,
      format: (_, { value, total }, { note }) => formatLine(title, value, total, note),
      hideCursor: true,
      gracefulExit: false,
      fps: 8,
    });
  }

  update(update: ProgressUpdate): void {
    this.#last = update;
    const { done, total, note = '' } = update;
    if (this.#bars !== undefined) {
      this.#bar ??= this.#bars.create(total ?? 0, done, { note });
      if (total !== undefined) this.#bar.setTotal(total);
      this.#bar.update(done, { note });
      return;
    }
    const now = performance.now() / 1000;
    if (this.#quiet || now - this.#lastLine < LINE_INTERVAL) return;
    this.#lastLine = now;
    this.#printLine(update);
  }

  /** A line that stays. */
  log(text: string): void {
    if (this.#quiet) return;
    if (this.#bars === undefined) process.stderr.write(`${text}\n`);
    else if (this.#bar === undefined) process.stderr.write(`${pc.dim(text)}\n`);
    else this.#bars.log(`${pc.dim(text)}\n`);
  }

  /** Takes the bar away; call it before anything else is printed, also after an error. */
  stop(): void {
    this.#bars?.stop();
    if (this.#bars === undefined && !this.#quiet && this.#last !== undefined) {
      this.#printLine(this.#last);
    }
    this.#last = undefined;
  }

  #printLine({ done, total, note = '' }: ProgressUpdate): void {
    const share = total ? ` ${Math.floor((100 * done) / total)}%` : '';
    process.stderr.write(`${this.#title}${share}${note === '' ? '' : `  ${note}`}\n`);
  }
}

/** `training ████░░░░ 50%  note`; without a total there is no bar. */
function formatLine(title: string, done: number, total: number, note: string): string {
  if (total === 0) return `${title}  ${note}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${title} ${bar} ${Math.floor(100 * share)}%  ${note}`;
}

/** 75 → `1:15`, 4000 → `1:06:40` */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${pad(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}
