import type { AddedTokens } from './added-tokens.js';
import type { Json, Model, TokenizerParts } from './pipeline.js';
import { writeSpecialTokens } from './special-tokens.js';
import { vocabJson, writeTokenizerJson } from './tokenizer-json.js';

/**
 * The files that Hugging Face's library reads, by name. A family, whose class it is given, also gets
 * the vocabulary in the files that it had before `tokenizer.json`.
 */
export function writeFiles(
  parts: TokenizerParts,
  addedTokens: AddedTokens,
  className: string | undefined,
): Record<string, string> {
  const { config, specialTokens = {}, modelMaxLength } = parts;
  const roles = writeSpecialTokens(specialTokens);
  return {
    'tokenizer.json': toJson(writeTokenizerJson(parts, addedTokens)),
    'tokenizer_config.json': toJson({
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...config,
      ...(className && { tokenizer_class: className, ...settings(parts) }),
      ...(modelMaxLength !== undefined && { model_max_length: modelMaxLength }),
      ...roles,
    }),
    'special_tokens_map.json': toJson(roles),
    ...(className && vocabFiles(parts.model)),
  };
}

/** What of the components `tokenizer_config.json` says too. */
function settings({ normalizer, preTokenizer }: TokenizerParts): object {
  const { lowercase, strip_accents, handle_chinese_chars }: Json = { ...normalizer?.json };
  const { add_prefix_space }: Json = { ...preTokenizer?.json };
  return {
    do_lower_case: lowercase,
    ...{ strip_accents, tokenize_chinese_chars: handle_chinese_chars, add_prefix_space },
  };
}

function vocabFiles({ vocab, merges }: Model): Record<string, string> {
  if (merges) {
    return {
      'vocab.json': `${JSON.stringify(vocabJson(vocab))}\n`,
      'merges.txt': ['#version: 0.2', ...merges.map((pair) => pair.join(' ')), ''].join('\n'),
    };
  }
  const list = wordList(vocab);
  return list === undefined ? {} : { 'vocab.txt': list };
}

/** The vocabulary as lines, if its ids are 0, 1, 2 … and no token would be read back differently. */
function wordList(vocab: ReadonlyMap<string, number>): string | undefined {
  const tokens: string[] = new Array(vocab.size);
  for (const [token, id] of vocab) {
    if (id >= tokens.length || token.trimEnd() !== token || token.includes('\n')) return undefined;
    tokens[id] = token;
  }
  return `${tokens.join('\n')}\n`;
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
