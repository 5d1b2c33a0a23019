import type { Tokenizer } from '@multihead/tokenizers';
import pc from 'picocolors';
import { encodeIds } from './encode-ids.js';
import { modelOf } from './load-tokenizer.js';
import { print } from './output.js';
import type { Input } from './tokenize-input.js';
import type { BatchOptions, TokenizeOptions } from './tokenize-options.js';

interface Count {
  texts: number;
  /** Code points. */
  characters: number;
  /** Special ones included. */
  tokens: number;
  specialTokens: number;
  /** Special tokens left aside; null without a token. */
  charactersPerToken: number | null;
  unknownTokens: number;
  /** Tokens of the text that has the most. */
  longest: number;
}

/** Prints how much text there was, and how many tokens it made. */
export async function printCount(
  tokenizer: Tokenizer,
  inputs: AsyncIterable<Input[]>,
  options: TokenizeOptions,
): Promise<void> {
  const encodeOptions: BatchOptions = {
    addSpecialTokens: options.specialTokens,
    truncation: false,
    padding: false,
  };
  const count = await countTokens(tokenizer, inputs, options, encodeOptions);
  print(options.json ? JSON.stringify(count) : format(count));
}

async function countTokens(
  tokenizer: Tokenizer,
  inputs: AsyncIterable<Input[]>,
  options: TokenizeOptions,
  encodeOptions: BatchOptions,
): Promise<Count> {
  const { unkTokenId } = modelOf(tokenizer);
  // What is put around a text does not depend on it.
  const [alone, withPair] = [undefined, ''].map(
    (pair) =>
      tokenizer.encode('', { ...encodeOptions, ...(pair !== undefined && { pair }) }).length,
  ) as [number, number];
  let [texts, characters, tokens, specialTokens, unknownTokens, longest] = [0, 0, 0, 0, 0, 0];
  for await (const { group, rows } of encodeIds(tokenizer, inputs, options, encodeOptions)) {
    for (const { text, pair } of group) {
      characters += codePoints(text) + codePoints(pair ?? '');
      specialTokens += pair === undefined ? alone : withPair;
    }
    texts += group.length;
    for (const row of rows) {
      tokens += row.length;
      longest = Math.max(longest, row.length);
      if (unkTokenId === undefined) continue;
      for (let i = 0; i < row.length; i++) if (row[i] === unkTokenId) unknownTokens++;
    }
  }
  const ofText = tokens - specialTokens;
  const charactersPerToken = ofText > 0 ? characters / ofText : null;
  return {
    ...{ texts, characters, tokens, specialTokens },
    ...{ charactersPerToken, unknownTokens, longest },
  };
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 1; i < text.length; i++) {
    const isLow = (text.charCodeAt(i) & 0xfc00) === 0xdc00;
    if (isLow && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800) count--;
  }
  return count;
}

function format(count: Count): string {
  const { tokens, specialTokens, charactersPerToken, unknownTokens } = count;
  const share = tokens > specialTokens ? unknownTokens / (tokens - specialTokens) : 0;
  const rows: [name: string, value: string, note?: string | false][] = [
    ['texts', whole(count.texts)],
    ['characters', whole(count.characters)],
    [
      'tokens',
      whole(tokens),
      specialTokens > 0 && `${whole(specialTokens)} of them put around texts`,
    ],
    ['unknown tokens', whole(unknownTokens), unknownTokens > 0 && `${(100 * share).toFixed(2)} %`],
    ['characters a token', charactersPerToken?.toFixed(2) ?? '–'],
    ['longest text', whole(count.longest), 'tokens'],
  ];
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => String(row[i]).length)));
  return rows
    .map(([name, value, note]) => {
      const line = `${name.padEnd(widths[0]!)}  ${value.padStart(widths[1]!)}`;
      return note ? `${line}  ${pc.dim(note)}` : line;
    })
    .join('\n');
}

const whole = (value: number) => value.toLocaleString('en');
