import type { BatchEncoding, Tokenizer } from '@multihead/tokenizers';
import { CliError } from './errors.js';
import { nameOfInput } from './text.js';
import { type Input, toBatchInput } from './tokenize-input.js';
import type { BatchOptions } from './tokenize-options.js';

/** Encodes texts together, with an error that says which of them it is about. */
export function encodeGroup(
  tokenizer: Tokenizer,
  group: readonly Input[],
  options: BatchOptions,
  words = false,
): BatchEncoding {
  const encode = (inputs: readonly Input[]) =>
    tokenizer.encodeBatch(
      inputs.map((input) => toBatchInput(input, words)),
      options,
    );
  try {
    return encode(group);
  } catch (error) {
    throw locate(error, group, (input) => encode([input]));
  }
}

/** An error of the tokenizer's in the words of the command line, with the text at which `work` fails. */
export function locate(
  error: unknown,
  group: readonly Input[],
  work: (input: Input) => void,
): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code !== 'UNKNOWN_TOKEN' && code !== 'BAD_OPTION' && code !== 'ID_OUT_OF_RANGE') return error;
  const place = placeOf(group.find((input) => fails(() => work(input))));
  const kind = code === 'BAD_OPTION' ? 'USAGE' : 'BAD_INPUT';
  return new CliError(kind, place + inFlags(message), { cause: error });
}

function fails(work: () => void): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}

/** `corpus.txt, line 12: `, or nothing for a text that was typed. */
export function placeOf({ path, line }: Partial<Input> = {}): string {
  return path === undefined ? '' : `${nameOfInput(path)}, line ${line}: `;
}

/** A message about the tokenizer's options as flags: `maxLength 1` → `--max-length 1`. */
function inFlags(message: string): string {
  return message
    .replace(/\b(truncation|padding): '(\w+)'/g, '--$1 $2')
    .replace(/^(stride|truncation|padding)\b/, '--$1')
    .replace(
      /\b(maxLength|padToMultipleOf|paddingSide|truncationSide)\b/g,
      (name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    );
}
