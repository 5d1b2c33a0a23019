import type { Encoding, Tokenizer } from '@multihead/tokenizers';
import pc from 'picocolors';
import { encodeGroup } from './encode-group.js';
import { formatInline } from './inline-view.js';
import { modelOf } from './load-tokenizer.js';
import { formatTable, printLines, visible } from './output.js';
import { type PlacedToken, placeTokens } from './placed-token.js';
import { groupsToEncode, type Input } from './tokenize-input.js';
import type { BatchOptions, TokenizeOptions } from './tokenize-options.js';

/** Prints the tokens of each text: as a table, over the text, or as JSON. */
export async function printTokens(
  tokenizer: Tokenizer,
  inputs: AsyncIterable<Input[]>,
  options: TokenizeOptions,
  encodeOptions: BatchOptions,
): Promise<void> {
  const { json, inline, words = false } = options;
  const { unkTokenId } = modelOf(tokenizer);
  const placed = (input: Input, encoding: Encoding) =>
    placeTokens(encoding, input, { words, unkTokenId });
  let isFirst = true;
  for await (const group of groupsToEncode(inputs, options)) {
    const { encodings } = encodeGroup(tokenizer, group, encodeOptions, words);
    const results = group.map((input, i) => {
      const encoding = encodings[i]!;
      if (json) return JSON.stringify(toJson(input, encoding, options));
      const parts = [encoding, ...encoding.overflowing];
      if (inline) return parts.map((part) => formatInline(placed(input, part))).join('\n');
      const tables = parts.map((part, at) => {
        const title = parts.length > 1 ? `${pc.bold(`part ${at + 1} of ${parts.length}`)}\n` : '';
        return title + table(part, placed(input, part), options);
      });
      const gap = isFirst ? '' : '\n';
      isFirst = false;
      return gap + tables.join('\n\n');
    });
    await printLines(results);
  }
}

/** Where there are colours, the tokens over the text; and a row for each. */
function table(
  encoding: Encoding,
  tokens: readonly PlacedToken[],
  { all, pair, pairFile }: TokenizeOptions,
): string {
  const hasPair = pair !== undefined || pairFile !== undefined;
  const { ids, wordIds, sequenceIds, typeIds, specialTokensMask, attentionMask } = encoding;
  const more: [heading: string, values: (number | null)[]][] = [
    ...(hasPair || all ? [['sequence', sequenceIds] as [string, (number | null)[]]] : []),
  ];
  if (all) {
    more.push(
      ['word', wordIds],
      ['type', typeIds],
      ['special', specialTokensMask],
      ['attention', attentionMask],
    );
  }
  const rows = tokens.map(({ token, place, text }, i) => [
    ...[visible(token), ids[i]!, place?.[0] ?? '', place?.[1] ?? ''],
    ...more.map(([, values]) => values[i] ?? ''),
    visible(text),
  ]);
  const headings = ['token', 'id', 'start', 'end', ...more.map(([heading]) => heading), 'text'];
  const counted = `${tokens.length} ${tokens.length === 1 ? 'token' : 'tokens'}`;
  const inline = pc.isColorSupported ? `${formatInline(tokens)}\n` : '';
  return `${inline}${formatTable(headings, rows)}\n${pc.dim(counted)}`;
}

function toJson(
  { text, pair }: Input,
  encoding: Encoding,
  { all, overflow }: TokenizeOptions,
): object {
  const columns = (part: Encoding) => {
    const { tokens, ids, offsets } = part;
    if (!all) return { tokens, ids, offsets };
    const { wordIds, sequenceIds, typeIds, specialTokensMask, attentionMask } = part;
    return {
      ...{ tokens, ids, offsets, wordIds, sequenceIds },
      ...{ typeIds, specialTokensMask, attentionMask },
    };
  };
  return {
    text,
    ...(pair !== undefined && { pair }),
    ...columns(encoding),
    ...(overflow && { overflowing: encoding.overflowing.map(columns) }),
  };
}
