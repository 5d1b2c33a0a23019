import { once } from 'node:events';
import pc from 'picocolors';

/** Prints a result: a line on stdout. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints many results at once, and waits while their reader is behind. */
export async function printLines(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  if (!process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain');
}

/** Rows of cells under headings, as wide as they need to be; numbers are set right. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const widths = headings.map((heading, column) =>
    rows.reduce(
      (width, row) => Math.max(width, displayWidth(String(row[column]))),
      displayWidth(heading),
    ),
  );
  const isNumber = headings.map((_, column) => rows.some((row) => typeof row[column] === 'number'));
  const line = (cells: readonly (string | number)[]) =>
    cells
      .map((cell, column) => {
        const text = String(cell);
        const space = ' '.repeat(widths[column]! - displayWidth(text));
        return isNumber[column] ? space + text : text + space;
      })
      .join('  ')
      .trimEnd();
  return [pc.dim(line(headings)), ...rows.map(line)].join('\n');
}

/**
 * A text as a line of a terminal can show it: what would break the line, move the cursor or turn the
 * writing round is spelled as in JSON. The joiners of emoji and scripts stay.
 */
export function visible(text: string): string {
  return text.replace(
    /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) => SHORT[character] ?? escapeUnits(character),
  );
}

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** Columns that a text takes in a terminal: two for East Asian characters and emoji. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}|\p{Control}|\u200d/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Emoji_Presentation}/u.test(
        character,
      ) || character > '\u{20000}'
        ? 2
        : 1;
  }
  return width;
}
