// WordPiece alone: what BERT's tokenizer is over a vocabulary at hand.
import type { AddedToken } from './added-tokens.js';
import { bertChunkEnd } from './bert-chunks.js';
import { BertNormalizer, type BertNormalizerJson } from './bert-normalizer.js';
import { WordPieceDecoder } from './decoders.js';
import { badFile } from './errors.js';
import { type FamilyOptions, numbered, specialToken } from './family.js';
import type { Json, TokenizerParts } from './pipeline.js';
import { bertTemplate, type Template, TemplateProcessing } from './post-processors.js';
import { BertPreTokenizer } from './pre-tokenizers.js';
import { givenRoles, type RoleTokens } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { WordPiece } from './word-piece.js';

export { TokenizerError } from './errors.js';

/** How a bare vocabulary is used; `tokenizer_config.json` says the same under Hugging Face's names. */
export interface BertTokenizerOptions extends FamilyOptions {
  /** Lower the case, which also strips accents unless `stripAccents` says otherwise (default true). */
  doLowerCase?: boolean;
  /** Put Chinese characters apart (default true). */
  tokenizeChineseChars?: boolean;
  /** Strip accents; null does what `doLowerCase` says (default null). */
  stripAccents?: boolean | null;
}

/** The text of a `vocab.txt`, or the tokens in the order of their ids, or ids by token. */
export type WordPieceVocab = string | Iterable<string> | ReadonlyMap<string, number>;

/**
 * BERT's tokenizer over a vocabulary at hand. It reads no `tokenizer.json`: `BertTokenizer` does, and
 * costs a page a little more.
 */
export class WordPieceTokenizer extends Tokenizer {
  override readonly className: string = 'BertTokenizer';

  constructor(parts: TokenizerParts) {
    super({ ...parts, chunkEnd: bertChunkEnd(parts) });
  }

  /**
   * A tokenizer over this vocabulary.
   *
   * @throws TokenizerError `BAD_FILE` for a text without tokens
   */
  static fromVocab(vocab: WordPieceVocab, options: BertTokenizerOptions = {}): WordPieceTokenizer {
    return new WordPieceTokenizer(bertParts(vocab, options));
  }
}

/** The parts of BERT's tokenizer over a vocabulary at hand. */
function bertParts(given: WordPieceVocab, options: BertTokenizerOptions): TokenizerParts {
  const specialTokens = { ...BERT_ROLES, ...givenRoles(options) };
  const vocab = vocabOf(given);
  const json = describeBert(vocab, options, specialTokens, {});
  return {
    model: new WordPiece(vocab, json.model),
    normalizer: new BertNormalizer(json.normalizer),
    preTokenizer: new BertPreTokenizer(),
    postProcessor: new TemplateProcessing(json.post_processor),
    decoder: new WordPieceDecoder(),
    addedTokens: json.added_tokens,
    specialTokens,
    modelMaxLength: options.modelMaxLength,
  };
}

/** Ids by token. */
export function vocabOf(given: WordPieceVocab): ReadonlyMap<string, number> {
  const ids = typeof given === 'string' ? parseWordList('vocab.txt', given) : given;
  return 'get' in ids ? ids : numbered(ids);
}

/** The tokens that have a role unless options or files say otherwise. */
export const BERT_ROLES: RoleTokens = {
  padToken: '[PAD]',
  unkToken: '[UNK]',
  clsToken: '[CLS]',
  sepToken: '[SEP]',
  maskToken: '[MASK]',
};

/** The components of a BERT tokenizer, as far as they differ, by their places in `tokenizer.json`. */
interface BertDescription {
  model: { unk_token: string };
  normalizer: Partial<BertNormalizerJson>;
  post_processor: Template;
  added_tokens: AddedToken[];
}

/** What the `tokenizer.json` says that a bare vocabulary stands for. */
export function describeBert(
  vocab: ReadonlyMap<string, number>,
  { doLowerCase, tokenizeChineseChars, stripAccents }: BertTokenizerOptions,
  roles: RoleTokens,
  config: Json,
): BertDescription {
  const names = Object.values(roles);
  const ids = new Map(vocab);
  for (const name of names) if (!ids.has(name)) ids.set(name, ids.size);
  const withId = (name = ''): [string, number] => [name, ids.get(name)!];
  return {
    model: { unk_token: roles.unkToken! },
    normalizer: {
      lowercase: doLowerCase ?? config.do_lower_case !== false,
      handle_chinese_chars: tokenizeChineseChars ?? config.tokenize_chinese_chars !== false,
      strip_accents: stripAccents ?? (config.strip_accents as boolean | undefined) ?? null,
    },
    post_processor: bertTemplate(withId(roles.clsToken), withId(roles.sepToken)),
    added_tokens: names.map(specialToken),
  };
}

/** A vocabulary of one token a line, the id being the line's number from 0. */
export function parseWordList(name: string, text: string): Map<string, number> {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) badFile(`${name}: no token in it`);
  return numbered(lines.map((line) => line.trimEnd()));
}
