// Hugging Face's `tokenizer.json`, written.
import type { AddedTokens } from './added-tokens.js';
import type { Component, TokenizerParts } from './pipeline.js';
import { STRATEGIES } from './tokenizer-json.js';

const directionOf = (side: string) => (side === 'left' ? 'Left' : 'Right');

/** The tokenizer as `tokenizer.json` has it. */
export function writeTokenizerJson(parts: TokenizerParts, addedTokens: AddedTokens): object {
  const { truncation, padding, model } = parts;
  const added = [...addedTokens.byId.values()].sort((a, b) => a.id - b.id);
  const json = (component: Component | undefined) => component?.json ?? null;
  return {
    version: '1.0',
    truncation: truncation
      ? {
          direction: directionOf(truncation.side),
          max_length: truncation.maxLength,
          strategy: Object.keys(STRATEGIES).find((key) => STRATEGIES[key] === truncation.strategy),
          stride: truncation.stride,
        }
      : null,
    padding: padding
      ? {
          strategy: padding.length === undefined ? 'BatchLongest' : { Fixed: padding.length },
          direction: directionOf(padding.side),
          pad_to_multiple_of: padding.toMultipleOf || null,
          pad_id: padding.id,
          pad_type_id: padding.typeId,
          pad_token: padding.token,
        }
      : null,
    added_tokens: added.map(({ id, content, singleWord, lstrip, rstrip, normalized, special }) => ({
      ...{ id, content, single_word: singleWord, lstrip, rstrip, normalized, special },
    })),
    normalizer: json(parts.normalizer),
    pre_tokenizer: json(parts.preTokenizer),
    post_processor: json(parts.postProcessor),
    decoder: json(parts.decoder),
    model: {
      ...model.json,
      vocab: vocabJson(model.vocab),
      ...(model.merges && { merges: model.merges }),
    },
  };
}

/** The vocabulary in the order of its ids. */
export function vocabJson(vocab: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...vocab].sort((a, b) => a[1] - b[1]));
}
