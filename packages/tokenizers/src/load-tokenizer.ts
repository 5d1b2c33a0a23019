import { BertTokenizer, type BertTokenizerOptions } from './bert-tokenizer.js';
import { allComponents, fastPathOf } from './components.js';
import { TokenizerError } from './errors.js';
import {
  type LoadOptions,
  nameOf,
  parseJson,
  parseWordList,
  readFirst,
  type TokenizerSource,
} from './files.js';
import { GPT2Tokenizer } from './gpt2-tokenizer.js';
import { OpenAIGPTTokenizer } from './openai-gpt-tokenizer.js';
import { COMPANIONS, given, readCompanions } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { readTokenizerJson } from './tokenizer-json.js';
import { TransfoXLTokenizer } from './transfo-xl-tokenizer.js';
import { MERGE_FILES, VOCAB_FILES } from './vocab-and-merges.js';

/**
 * Reads whatever tokenizer is there: `tokenizer.json` of any family; `vocab.txt` with WordPiece
 * tokens, or a plain list of words; `vocab.json` with `merges.txt`, or `encoder.json` with `vocab.bpe`.
 *
 * @param source a folder or file (Node), their URL, a function that reads a file by name, or contents
 * @param options for a bare `vocab.txt` of WordPiece: how it is used
 * @throws TokenizerError `NOT_FOUND`, `BAD_FILE`, or `UNSUPPORTED` naming the component
 */
export async function loadTokenizer(
  source: TokenizerSource,
  options: BertTokenizerOptions & LoadOptions = {},
): Promise<Tokenizer> {
  const { signal, ...rest } = options;
  const kinds = [['tokenizer.json'], ['vocab.txt'], [...VOCAB_FILES, ...MERGE_FILES]];
  const files = await readFirst(source, kinds, COMPANIONS, { signal });
  const whole = files.get('tokenizer.json');
  if (whole !== undefined) {
    const parts = readTokenizerJson(parseJson('tokenizer.json', whole), allComponents);
    const { specialTokens, modelMaxLength, config } = readCompanions(files);
    return new Tokenizer({
      ...parts,
      fastPath: fastPathOf(parts),
      specialTokens: { ...rolesByName(parts.addedTokens ?? []), ...specialTokens, ...given(rest) },
      modelMaxLength: rest.modelMaxLength ?? modelMaxLength,
      config,
    });
  }
  const words = files.get('vocab.txt');
  if (words !== undefined) {
    const contents = Object.fromEntries(files);
    const unk = rest.unkToken ?? readCompanions(files).specialTokens.unkToken ?? '[UNK]';
    const list = parseWordList('vocab.txt', words);
    return list.has(unk) &&
      (list.has('[CLS]') || [...list.keys()].some((word) => /^##./.test(word)))
      ? BertTokenizer.fromFiles(contents, rest)
      : TransfoXLTokenizer.fromFiles(contents);
  }
  const merges = MERGE_FILES.map((name) => files.get(name)).find((text) => text !== undefined);
  if (merges !== undefined && VOCAB_FILES.some((name) => files.has(name))) {
    const contents = Object.fromEntries(files);
    return /<\/w>/.test(merges.slice(0, 4096))
      ? OpenAIGPTTokenizer.fromFiles(contents)
      : GPT2Tokenizer.fromFiles(contents);
  }
  throw new TokenizerError(
    'NOT_FOUND',
    `${nameOf(source)}: no tokenizer.json, vocab.txt, or vocab.json with merges.txt is there`,
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
