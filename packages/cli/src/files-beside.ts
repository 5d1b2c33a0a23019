import { loadFolder } from '@multihead/checkpoint';
import { type Tokenizer, tokenizerFiles } from '@multihead/tokenizers';

/**
 * What is written beside a model that goes on with texts: its tokenizer, and where it was itself gone on
 * from another, how that one writes, such as words that it never does.
 */
export async function filesBeside(
  tokenizer: Tokenizer,
  from: string | undefined,
): Promise<Record<string, string>> {
  const name = 'generation_config.json';
  const text = from === undefined ? undefined : await (await loadFolder(from)).readText(name);
  return { ...tokenizerFiles(tokenizer), ...(text !== undefined && { [name]: text }) };
}
