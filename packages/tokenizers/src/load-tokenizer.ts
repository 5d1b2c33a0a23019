import { BERT, BertTokenizer, type BertTokenizerOptions } from './bert-tokenizer.js';
import { Bpe } from './bpe.js';
import { allComponents, chunkEndOf } from './components.js';
import { badOption } from './errors.js';
import { partsOf, withRoles } from './family.js';
import { type LoadOptions, nameOf, readFirst, type TokenizerSource } from './files.js';
import { FullBpe } from './full-bpe.js';
import { GPT2, GPT2Tokenizer } from './gpt2-tokenizer.js';
import { parseJson } from './json.js';
import { OPENAI_GPT, OpenAIGPTTokenizer } from './openai-gpt-tokenizer.js';
import { readCompanions } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { readTokenizerJson } from './tokenizer-json.js';
import { TRANSFO_XL, TransfoXLTokenizer } from './transfo-xl-tokenizer.js';
import { MERGE_FILES } from './vocab-and-merges.js';
import { parseWordList } from './word-piece-tokenizer.js';

export interface DropoutOptions {
  /** For byte-pair encoding: leave merges out with this probability (default what the file says). */
  dropout?: number;
  /** For `dropout`: the same gives the same tokens (default 0). */
  seed?: number;
}

/**
 * Reads whatever tokenizer is there: `tokenizer.json` of any family; `vocab.txt` with WordPiece
 * tokens, or a plain list of words; `vocab.json` with `merges.txt`, or `encoder.json` with `vocab.bpe`.
 *
 * @param source a folder or file (Node), their URL, a function that reads a file by name, or contents
 * @param options for a bare `vocab.txt` of WordPiece: how it is used; for byte-pair encoding dropout
 * @throws TokenizerError `NOT_FOUND`, `BAD_FILE`, or `UNSUPPORTED` naming the component
 */
export async function loadTokenizer(
  source: TokenizerSource,
  { dropout, seed, ...options }: BertTokenizerOptions & DropoutOptions & LoadOptions = {},
): Promise<Tokenizer> {
  const tokenizer = await loadAsItIs(source, options);
  if (dropout === undefined) return tokenizer;
  const { model } = tokenizer.parts;
  if (!(model instanceof Bpe)) badOption('dropout is for byte-pair encoding, which this is not');
  const { vocab, merges, json } = model;
  const random = new FullBpe(vocab, { ...json, merges, dropout, seed: seed ?? 0 });
  return new Tokenizer({ ...tokenizer.parts, model: random, chunkEnd: undefined });
}

async function loadAsItIs(
  source: TokenizerSource,
  options: BertTokenizerOptions & LoadOptions,
): Promise<Tokenizer> {
  const kinds = [['tokenizer.json'], ['vocab.txt'], GPT2.files];
  const files = await readFirst(source, kinds, options.signal);
  const whole = files.get('tokenizer.json');
  const words = files.get('vocab.txt');
  const unk = options.unkToken ?? readCompanions(files).specialTokens.unkToken ?? '[UNK]';
  if (words !== undefined && isWordPiece(parseWordList('vocab.txt', words), unk)) {
    return new BertTokenizer(partsOf(BERT, files, options, nameOf(source)));
  }
  const extra = BERT.describing.find((name) => options[name] !== undefined);
  if (extra) badOption(`${extra} is for a vocab.txt of WordPiece, which is not what is there`);
  if (whole !== undefined) {
    const parts = readTokenizerJson(parseJson('tokenizer.json', whole), allComponents);
    const usual = rolesByName(parts.addedTokens ?? []);
    const loaded = withRoles(parts, usual, options, readCompanions(files));
    return new Tokenizer({ ...loaded, chunkEnd: chunkEndOf(parts) });
  }
  if (words !== undefined)
    return new TransfoXLTokenizer(partsOf(TRANSFO_XL, files, options, nameOf(source)));
  const merges = MERGE_FILES.map((name) => files.get(name)).find((text) => text !== undefined);
  return /<\/w>/.test(merges?.slice(0, 4096) ?? '')
    ? new OpenAIGPTTokenizer(partsOf(OPENAI_GPT, files, options, nameOf(source)))
    : new GPT2Tokenizer(partsOf(GPT2, files, options, nameOf(source)));
}

function isWordPiece(vocab: ReadonlyMap<string, number>, unk: string): boolean {
  return (
    vocab.has(unk) && (vocab.has('[CLS]') || [...vocab.keys()].some((word) => /^##./.test(word)))
  );
}

/** The usual names of tokens with a role, for a file that has no others beside it. */
const USUAL: [role: keyof NonNullable<Tokenizer['specialTokens']>, names: string[]][] = [
  ['unkToken', ['[UNK]', '<unk>']],
  ['sepToken', ['[SEP]', '</s>']],
  ['padToken', ['[PAD]', '<pad>']],
  ['clsToken', ['[CLS]', '<s>']],
  ['maskToken', ['[MASK]', '<mask>']],
  ['bosToken', ['<s>', '<|endoftext|>']],
  ['eosToken', ['</s>', '<|endoftext|>', '<eos>']],
];

function rolesByName(
  added: Iterable<{ content: string; special?: boolean }>,
): Record<string, string> {
  const contents = new Set(
    [...added].filter((token) => token.special).map(({ content }) => content),
  );
  const roles: Record<string, string> = {};
  for (const [role, names] of USUAL) {
    const name = names.find((candidate) => contents.has(candidate));
    if (name !== undefined) roles[role] = name;
  }
  return roles;
}
