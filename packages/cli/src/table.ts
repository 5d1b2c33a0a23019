import { extname } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { CliError } from './errors.js';
import { nameOfInput, readLineGroups, readLines } from './text.js';

/** How a file holds rows of named columns. In a TSV a quotation mark is a character like any other. */
export const TABLE_FORMATS = ['csv', 'tsv', 'jsonl'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

export interface TableOptions {
  /** Default what the file's name ends with. */
  format?: TableFormat | undefined;
  /** The columns' names, where a CSV or TSV has no header. */
  columns?: readonly string[] | undefined;
}

/** One row of a table, and where it stands: `train.csv, line 3`. */
export interface TableRow {
  values: Readonly<Record<string, unknown>>;
  place: string;
}

/** The rows of a file, or of standard input for `-`, as they come. @throws CliError `BAD_INPUT`, `USAGE` */
export async function* readTable(path: string, options: TableOptions): AsyncGenerator<TableRow> {
  const { format = formatOf(path), columns } = options;
  if (format !== 'jsonl') return yield* readSeparated(path, format, columns);
  if (columns !== undefined) {
    throw new CliError(
      'USAGE',
      `--columns is for files without names, and ${path} has JSON objects.`,
    );
  }
  yield* readObjects(path);
}

function formatOf(path: string): TableFormat {
  const known: Record<string, TableFormat> = {
    '.csv': 'csv',
    '.tsv': 'tsv',
    '.jsonl': 'jsonl',
    '.ndjson': 'jsonl',
  };
  const format = known[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  const formats = TABLE_FORMATS.join(', ');
  throw new CliError('USAGE', `${nameOfInput(path)}: say what it is by --format (${formats}).`);
}

async function* readSeparated(
  path: string,
  format: 'csv' | 'tsv',
  columns: readonly string[] | undefined,
): AsyncGenerator<TableRow> {
  const name = nameOfInput(path);
  const parser = parse({
    bom: true,
    columns: columns ? [...columns] : (header: string[]) => distinct(header, name),
    info: true,
    skip_empty_lines: true,
    ...(format === 'tsv' && { delimiter: '\t', quote: null, escape: null }),
  });
  const source = Readable.from(textOf(path), { objectMode: false });
  pipeline(source, parser, () => {}); // an error of either comes out of the parser
  try {
    for await (const { record, info } of parser) {
      yield { values: record, place: `${name}, line ${info.lines}` };
    }
  } catch (error) {
    if (!/^CSV_/.test((error as CsvError).code ?? '')) throw error;
    const hint = format === 'csv' ? '' : ' (in a TSV a tab always parts two columns)';
    throw new CliError('BAD_INPUT', `${name}: ${(error as CsvError).message}${hint}`, {
      cause: error,
    });
  }
}

async function* textOf(path: string): AsyncGenerator<string> {
  for await (const lines of readLineGroups(path)) yield `${lines.join('\n')}\n`;
}

function distinct(header: string[], name: string): string[] {
  const twice = header.find((column, i) => header.indexOf(column) < i);
  if (twice === undefined) return header;
  throw new CliError('BAD_INPUT', `${name} has two columns called ${JSON.stringify(twice)}.`);
}

async function* readObjects(path: string): AsyncGenerator<TableRow> {
  let line = 0;
  for await (const text of readLines(path)) {
    line++;
    if (text.trim() === '') continue;
    const place = `${nameOfInput(path)}, line ${line}`;
    yield { values: objectOf(text, place), place };
  }
}

function objectOf(text: string, place: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    throw new CliError('BAD_INPUT', `${place} is no JSON: ${message}`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new CliError(
    'BAD_INPUT',
    `${place}: a line must be a JSON object, as {"text": …, "label": …}.`,
  );
}
