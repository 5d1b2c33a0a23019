import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { loadFolder, readPickledVocabulary } from '@multihead/checkpoint';
import {
  BertTokenizer,
  loadTokenizer as load,
  type Tokenizer,
  type TokenizerSource,
  TransfoXLTokenizer,
} from '@multihead/tokenizers';
import pc from 'picocolors';
import { CliError } from './errors.js';

/** How a bare `vocab.txt` is used. */
export interface LoadTokenizerOptions {
  /** Keep case and accents. */
  cased?: boolean;
}

/**
 * The tokenizer of any family: of a folder, a file (`tokenizer.json`, `vocab.txt`, a list of words,
 * a pickled one, or one of `vocab.json` and `merges.txt` with the other beside it), an address or a hub id.
 */
export async function loadTokenizer(
  source: string,
  { cased = false }: LoadTokenizerOptions = {},
): Promise<Tokenizer> {
  const place = await placeOf(source);
  const tokenizer = await load(place, cased ? { doLowerCase: false } : {}).catch(async (error) => {
    const pickled = error?.code === 'NOT_FOUND' && (await pickledTokenizer(source));
    if (pickled) return pickled;
    if (cased && error?.code === 'BAD_OPTION') {
      throw new CliError(
        'USAGE',
        `--no-lowercase is for a bare vocab.txt of WordPiece; ${source} says itself what becomes of the case.`,
        { cause: error },
      );
    }
    // A reader has no name of its own.
    if (error?.code !== 'NOT_FOUND' || typeof place !== 'function') throw error;
    const message = error.message.replace('the files given', source);
    throw new CliError('NOT_FOUND', message, { cause: error });
  });
  if (!cased && isLoweredCased(tokenizer)) {
    process.stderr.write(
      `${pc.yellow('note:')} ${source} has capital letters and no file that says what becomes of them: ` +
        'they are lowered. --no-lowercase keeps them.\n',
    );
  }
  return tokenizer;
}

/** Transformer-XL's words as they were pickled: one such file, or a folder's that has nothing newer. */
async function pickledTokenizer(source: string): Promise<Tokenizer | undefined> {
  const isPlace = /^https?:/i.test(source) || existsSync(source);
  const isFile = isPlace && /\.(pkl|bin|pt)$/.test(source);
  const folder = await loadFolder(isFile ? dirname(source) : source);
  const names = isFile ? [basename(source)] : ['vocab.bin', 'vocab.pkl'];
  for (const name of names) {
    const bytes = await folder.readBytes(name);
    if (bytes === undefined) continue;
    const {
      words,
      lowerCase = false,
      ...roles
    } = await readPickledVocabulary(bytes, {
      file: source,
    });
    return TransfoXLTokenizer.fromVocab(words, { lowerCase, ...roles });
  }
  return undefined;
}

/** Whether a bare `vocab.txt`, which is lowered unless told otherwise, looks like that of a cased model. */
function isLoweredCased(tokenizer: Tokenizer): boolean {
  const { parts } = tokenizer;
  if (!(tokenizer instanceof BertTokenizer) || parts.config?.do_lower_case !== undefined)
    return false;
  const { lowercase } = (parts.normalizer?.json ?? {}) as { lowercase?: boolean };
  let capitals = 0;
  for (const token of parts.model.vocab.keys()) if (/^(##)?\p{Lu}/u.test(token)) capitals++;
  return lowercase === true && capitals > 0.05 * parts.model.vocab.size;
}

/** The same where it must be BERT's: WordPiece, with a mask token and those around a text. */
export async function loadBertTokenizer(source: string): Promise<BertTokenizer> {
  const tokenizer = await loadTokenizer(source);
  const { type } = modelOf(tokenizer);
  if (type !== 'WordPiece') {
    throw new CliError(
      'BAD_INPUT',
      `${source}: a BERT needs a WordPiece tokenizer with a mask token, and this is ${KINDS[type] ?? type}.`,
    );
  }
  const bert = tokenizer instanceof BertTokenizer ? tokenizer : new BertTokenizer(tokenizer.parts);
  const { maskTokenId, clsTokenId, sepTokenId } = bert;
  const missing = Object.entries({ mask: maskTokenId, cls: clsTokenId, sep: sepTokenId })
    .filter(([, id]) => id === undefined)
    .map(([role]) => bert.specialTokens[`${role}Token` as 'maskToken']);
  if (missing.length === 0) return bert;
  throw new CliError('BAD_INPUT', `${source}: the vocabulary has no ${missing.join(', ')}.`);
}

const KINDS: Record<string, string> = { BPE: 'byte-pair encoding', WordLevel: 'a list of words' };

/** What kind of model cuts words, and the token that stands for what it does not know, if any. */
export function modelOf(tokenizer: Tokenizer): { type: string; unkTokenId: number | undefined } {
  const { type, unk_token: unk } = tokenizer.parts.model.json as {
    type: string;
    unk_token?: string | null;
  };
  return { type, unkTokenId: unk ? tokenizer.tokenToId(unk) : undefined };
}

/** The two files that only together are a byte-pair encoding, and what may stand beside them. */
const HALVES =
  /^(vocab\.json|encoder\.json|encoder_bpe_40000\.json|merges\.txt|vocab\.bpe|vocab_40000\.bpe)$/;
const COMPANIONS = /^(tokenizer_config|special_tokens_map)\.json$/;

async function placeOf(source: string): Promise<TokenizerSource> {
  const isHalf = HALVES.test(basename(source));
  if (/^https?:/i.test(source)) {
    if (!isHalf) return source;
    const reason = 'the vocabulary and the merges are two files';
    throw new CliError('USAGE', `${source}: ${reason}; give the address of their folder.`);
  }
  if (!existsSync(source)) {
    const folder = await loadFolder(source);
    return (name) => folder.readBytes(name);
  }
  if (!isHalf) return source;
  return async (name) => {
    const path = join(dirname(source), name);
    const isOurs = HALVES.test(name) || COMPANIONS.test(name);
    return isOurs && existsSync(path) ? await readFile(path) : undefined;
  };
}
