import pc from 'picocolors';

/** Prints a result: a line on stdout. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Rows of cells under headings, as wide as they need to be; numbers are set right. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const widths = headings.map((heading, column) =>
    Math.max(displayWidth(heading), ...rows.map((row) => displayWidth(String(row[column])))),
  );
  const isNumber = headings.map((_, column) => typeof rows[0]?.[column] === 'number');
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
