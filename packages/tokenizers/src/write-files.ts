// Saving a tokenizer. These are functions of their own, so that a page that only reads pays nothing.
import { unsupported } from './errors.js';
import { fileSystem } from './node-files.js';
import type { Json, Model, TokenizerParts } from './pipeline.js';
import { givenRoles, inFile, type Role } from './special-tokens.js';
import type { Tokenizer } from './tokenizer.js';
import { vocabJson, writeTokenizerJson } from './write-tokenizer-json.js';

/**
 * Writes the files of `tokenizerFiles` into a folder (Node), which is made if need be; each appears
 * whole or not at all.
 *
 * @throws TokenizerError `UNSUPPORTED` in a page
 */
export async function saveTokenizer(tokenizer: Tokenizer, folder: string): Promise<void> {
  const { mkdir, rename, rm, writeFile } =
    fileSystem() ??
    unsupported('a page cannot write a folder: take the contents of tokenizerFiles()');
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(tokenizerFiles(tokenizer))) {
    const temporary = `${folder}/.${name}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, content);
      await rename(temporary, `${folder}/${name}`);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/**
 * The files that Hugging Face's library reads, by name: `tokenizer.json` and those beside it, for a
 * family's own class also the vocabulary in the files that it had before `tokenizer.json`.
 */
export function tokenizerFiles(tokenizer: Tokenizer): Record<string, string> {
  const { parts, addedTokens, specialTokens, modelMaxLength, className } = tokenizer;
  const roles = Object.fromEntries(
    Object.entries(givenRoles(specialTokens)).map(([role, token]) => [inFile(role as Role), token]),
  );
  return {
    'tokenizer.json': toJson(writeTokenizerJson(parts, addedTokens)),
    'tokenizer_config.json': toJson({
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...parts.config,
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
