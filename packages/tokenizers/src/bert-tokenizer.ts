import { bertChunkEnd } from './bert-chunks.js';
import { BertNormalizer } from './bert-normalizer.js';
import { WordPieceDecoder } from './decoders.js';
import { badFile } from './errors.js';
import {
  describedParts,
  type Family,
  type FamilyOptions,
  numbered,
  readFamily,
  specialToken,
} from './family.js';
import type { LoadOptions, TokenizerSource } from './files.js';
import type { TokenizerParts } from './pipeline.js';
import { BertProcessing, bertTemplate, TemplateProcessing } from './post-processors.js';
import { BertPreTokenizer } from './pre-tokenizers.js';
import { Tokenizer } from './tokenizer.js';
import { WordPiece } from './word-piece.js';

/** How a bare vocabulary is used; `tokenizer_config.json` says the same under Hugging Face's names. */
export interface BertTokenizerOptions extends FamilyOptions {
  /** Lower the case, which also strips accents unless `stripAccents` says otherwise (default true). */
  doLowerCase?: boolean;
  /** Put Chinese characters apart (default true). */
  tokenizeChineseChars?: boolean;
  /** Strip accents; null does what `doLowerCase` says (default null). */
  stripAccents?: boolean | null;
}

/** How a BERT tokenizer is read. */
export const BERT: Family<BertTokenizerOptions> = {
  components: {
    normalizers: { BertNormalizer },
    preTokenizers: { BertPreTokenizer },
    models: { WordPiece },
    postProcessors: { TemplateProcessing, BertProcessing },
    decoders: { WordPiece: WordPieceDecoder },
  },
  files: ['vocab.txt'],
  readVocabulary: (files) => ({ vocab: parseWordList('vocab.txt', files.get('vocab.txt')!) }),
  roles: () => ({
    padToken: '[PAD]',
    unkToken: '[UNK]',
    clsToken: '[CLS]',
    sepToken: '[SEP]',
    maskToken: '[MASK]',
  }),
  describing: ['doLowerCase', 'tokenizeChineseChars', 'stripAccents'],
  describe({ vocab }, { doLowerCase, tokenizeChineseChars, stripAccents }, roles, config) {
    const names = [
      roles.padToken!,
      roles.unkToken!,
      roles.clsToken!,
      roles.sepToken!,
      roles.maskToken!,
    ];
    const ids = new Map(vocab);
    for (const name of names) if (!ids.has(name)) ids.set(name, ids.size);
    const [, , cls, sep] = names.map((name): [string, number] => [name, ids.get(name)!]);
    return {
      model: { type: 'WordPiece', vocab, unk_token: roles.unkToken },
      normalizer: {
        type: 'BertNormalizer',
        lowercase: doLowerCase ?? config.do_lower_case !== false,
        handle_chinese_chars: tokenizeChineseChars ?? config.tokenize_chinese_chars !== false,
        strip_accents: stripAccents ?? config.strip_accents ?? null,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: { type: 'TemplateProcessing', ...bertTemplate(cls!, sep!) },
      decoder: { type: 'WordPiece' },
      added_tokens: names.map((name) => specialToken(name)),
    };
  },
};

/** BERT's tokenizer: WordPiece over cleaned, and for uncased models lowered, text. */
export class BertTokenizer extends Tokenizer {
  override readonly className: string = 'BertTokenizer';

  constructor(parts: TokenizerParts) {
    super({ ...parts, chunkEnd: bertChunkEnd(parts) });
  }

  /**
   * Reads `tokenizer.json`, or else `vocab.txt`, and the files beside them.
   *
   * @param source a folder or file (Node), their URL, a function that reads a file by name (a hub
   * client gives one), or the contents by name
   * @throws TokenizerError `NOT_FOUND` if the source has neither file, `BAD_FILE` for a broken one,
   * `UNSUPPORTED` for a `tokenizer.json` with a component that BERT does not have
   */
  static async fromPretrained(
    source: TokenizerSource,
    options: BertTokenizerOptions & LoadOptions = {},
  ): Promise<BertTokenizer> {
    return new BertTokenizer(await readFamily(BERT, source, options));
  }

  /** A tokenizer over a vocabulary of tokens, in the order of their ids. */
  static fromVocab(
    vocab: Iterable<string> | ReadonlyMap<string, number>,
    options: BertTokenizerOptions = {},
  ): BertTokenizer {
    const ids = 'get' in vocab ? vocab : numbered(vocab);
    return new BertTokenizer(describedParts(BERT, { vocab: ids }, options));
  }
}

/** A vocabulary of one token a line, the id being the line's number from 0. */
export function parseWordList(name: string, text: string): Map<string, number> {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) badFile(`${name}: no token in it`);
  return numbered(lines.map((line) => line.trimEnd()));
}
