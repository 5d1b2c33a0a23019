import type { Command } from 'commander';
import { CliError } from './errors.js';
import { option } from './options.js';
import type { Progress } from './progress.js';
import { readTable, TABLE_FORMATS, type TableFormat, type TableRow } from './table.js';

/** Which columns of a table a command reads. */
export interface ColumnOptions {
  text: string;
  textPair?: string;
  label: string;
  columns?: string[];
  format?: TableFormat;
}

/** A text, or a pair, and what is to be said of it, as the file has it. */
export interface LabelledText {
  text: string;
  pair?: string | undefined;
  label: string;
  /** For messages. */
  place: string;
}

export function addColumnOptions(command: Command): Command {
  return command
    .addOption(option('--text <column>', 'the column of the texts', String, 'text'))
    .addOption(option('--text-pair <column>', 'of the second texts, for pairs', String))
    .addOption(option('--label <column>', 'of what is to be said of them', String, 'label'))
    .addOption(option('--columns <names>', 'a,b,c: where a CSV or TSV has no header', namesOf))
    .addOption(
      option('--format <format>', 'of the files (default: by their names)', String).choices([
        ...TABLE_FORMATS,
      ]),
    );
}

const namesOf = (text: string) => text.split(',').map((name) => name.trim());

/** The labelled texts of files. @throws CliError `BAD_INPUT`, with the line */
export async function readLabelledTexts(
  paths: readonly string[],
  options: ColumnOptions,
  progress: Progress,
): Promise<LabelledText[]> {
  const { text, textPair, label } = options;
  const texts: LabelledText[] = [];
  for (const path of paths) {
    for await (const row of readTable(path, options)) {
      texts.push({
        text: cell(row, text, 'text'),
        ...(textPair !== undefined && { pair: cell(row, textPair, 'text-pair') }),
        label: cell(row, label, 'label').trim(),
        place: row.place,
      });
      if (texts.at(-1)!.label === '')
        throw new CliError('BAD_INPUT', `${row.place}: the label is empty.`);
      progress.update({ done: 0, note: `${texts.length.toLocaleString('en')} texts` });
    }
  }
  return texts;
}

function cell({ values, place }: TableRow, column: string, flag: string): string {
  const value = Object.hasOwn(values, column) ? values[column] : undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value !== undefined) {
    throw new CliError(
      'BAD_INPUT',
      `${place}: ${column} is ${JSON.stringify(value)}, which is no text.`,
    );
  }
  const there = Object.keys(values).join(', ');
  throw new CliError(
    'BAD_INPUT',
    `${place}: there is no column ${column}; name one by --${flag}: ${there}.`,
  );
}
