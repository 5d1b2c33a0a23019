import type { Tokenizer } from '@multihead/tokenizers';
import { locate, placeOf } from './encode-group.js';
import { CliError } from './errors.js';
import { printLines } from './output.js';
import type { Input } from './tokenize-input.js';
import type { TokenizeOptions } from './tokenize-options.js';

/** Prints the text of each row of ids. */
export async function printDecoded(
  tokenizer: Tokenizer,
  inputs: AsyncIterable<Input[]>,
  { skipSpecialTokens = false, cleanUp = false, json }: TokenizeOptions,
): Promise<void> {
  const options = { skipSpecialTokens, cleanUpTokenizationSpaces: cleanUp };
  for await (const group of inputs) {
    const lines = group.map((input) => {
      const ids = readIds(input);
      try {
        const text = tokenizer.decode(ids, options);
        return json ? JSON.stringify({ ids, text }) : text;
      } catch (error) {
        throw locate(error, [input], () => tokenizer.decode(ids));
      }
    });
    await printLines(lines);
  }
}

/** `101 7592 102`, `101, 7592, 102` or `[101, 7592, 102]` */
function readIds(input: Input): number[] {
  const list = /^\s*\[(.*)\]\s*$/.exec(input.text)?.[1] ?? input.text;
  return list
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part) => {
      if (/^\d{1,15}$/.test(part)) return Number(part);
      const shown = JSON.stringify(part.length > 40 ? `${part.slice(0, 40)}…` : part);
      throw new CliError('BAD_INPUT', `${placeOf(input)}${shown} is no id: ids are whole numbers.`);
    });
}
