import type { Tokenizer } from '@multihead/tokenizers';
import type { TokenText } from './protocol.js';

/** A text as the model reads it: its first `most` tokens, each with its part of the text. */
export function cut(
  text: string,
  { tokenizer, start, most }: { tokenizer: Tokenizer; start: number; most: number },
): TokenText {
  const { ids, tokens, offsets } = tokenizer.encode(text, { addSpecialTokens: false });
  const { unkTokenId } = tokenizer;
  let end = 0;
  const shown = ids.slice(0, most).map((id, i) => {
    const from = end;
    end = Math.max(end, offsets[i]![1]);
    // What comes after the last token belongs to it, so that the parts are the text.
    if (i === ids.length - 1) end = text.length;
    return { id, text: text.slice(from, end), name: tokens[i]!, unknown: id === unkTokenId };
  });
  return {
    tokens: shown,
    start: tokenizer.idToToken(start) ?? '',
    dropped: ids.length - shown.length,
    unknown: shown.filter(({ unknown }) => unknown).length,
  };
}
