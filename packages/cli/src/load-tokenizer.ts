import { existsSync } from 'node:fs';
import { loadFolder } from '@multihead/checkpoint';
import { BertTokenizer, type BertTokenizerOptions } from '@multihead/tokenizers';
import { CliError } from './errors.js';

/** The tokenizer of a folder, `vocab.txt`, `tokenizer.json`, address or hub id. */
export async function loadTokenizer(
  source: string,
  options: BertTokenizerOptions = {},
): Promise<BertTokenizer> {
  if (existsSync(source) || /^https?:/i.test(source)) {
    return BertTokenizer.fromPretrained(source, options);
  }
  const folder = await loadFolder(source);
  try {
    return await BertTokenizer.fromPretrained((name) => folder.readBytes(name), options);
  } catch (error) {
    if ((error as { code?: string }).code !== 'NOT_FOUND') throw error;
    const reason = 'neither tokenizer.json nor vocab.txt is there';
    throw new CliError('NOT_FOUND', `${folder.source}: ${reason}.`, { cause: error });
  }
}
