// Hugging Face's `tokenizer.json`, written.
import type { AddedTokens } from './added-tokens.js';
import type { Component, TokenizerParts } from './pipeline.js';
import { STRATEGIES } from './tokenizer-json.js';

const directionOf = (side: string | undefined) => (side === 'left' ? 'Left' : 'Right');

/** The tokenizer as `tokenizer.json` has it. */
export function writeTokenizerJson(parts: TokenizerParts, addedTokens: AddedTokens): object {
  const { defaults = {}, model } = parts;
  const added = [...addedTokens.byContent.values()].sort((a, b) => a.id - b.id);
  const json = (component: Component | undefined) => component?.json ?? null;
  return {
    version: '1.0',
    truncation: defaults.truncation
      ? {
          direction: directionOf(defaults.truncationSide),
          max_length: defaults.maxLength,
          strategy: Object.keys(STRATEGIES).find((key) => STRATEGIES[key] === defaults.truncation),
          stride: defaults.stride,
        }
      : null,
    padding: defaults.padding
      ? {
          strategy:
            defaults.padLength === undefined ? 'BatchLongest' : { Fixed: defaults.padLength },
          direction: directionOf(defaults.paddingSide),
          pad_to_multiple_of: defaults.padToMultipleOf || null,
          pad_id: defaults.padTokenId,
          pad_type_id: defaults.padTypeId,
          pad_token: defaults.padToken,
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
