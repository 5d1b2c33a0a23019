import { type Command, InvalidArgumentError, Option } from 'commander';

interface Range {
  from: number;
  /** Included; default no limit. */
  to?: number;
  /** Not `from` itself. */
  above?: boolean;
}

/** Reads `--steps 100`. */
export function whole({ from, to = Number.MAX_SAFE_INTEGER }: Range): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    const limit = to === Number.MAX_SAFE_INTEGER ? '' : ` to ${to}`;
    throw new InvalidArgumentError(`Give a whole number from ${from}${limit}.`);
  };
}

/** Reads `--learning-rate 1e-3`. */
export function real({
  from,
  to = Number.MAX_VALUE,
  above = false,
}: Range): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if ((above ? value > from : value >= from) && value <= to) return value;
    const limit = to === Number.MAX_VALUE ? '' : `, at most ${to}`;
    throw new InvalidArgumentError(`Give a number ${above ? 'above' : 'from'} ${from}${limit}.`);
  };
}

/** An option with a value that `parse` reads, and a default. */
export function option<T>(
  flags: string,
  help: string,
  parse: (text: string, before?: T) => T,
  value?: T,
): Option {
  const made = new Option(flags, help).argParser(parse);
  return value === undefined ? made : made.default(value);
}

/** An option that is there or not. */
export function flag(flags: string, help: string): Option {
  return new Option(flags, help);
}

/** The options every command has. */
export interface CommonOptions {
  json?: boolean;
  quiet?: boolean;
}

export function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print results as JSON')
    .option('-q, --quiet', 'show no progress');
}

/** Those of the entries that have a value. */
export function given<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
