import { bertChunkEnd } from './bert-chunks.js';
import { BertNormalizer } from './bert-normalizer.js';
import { WordPieceDecoder } from './decoders.js';
import { describedParts, type Family, readFamily } from './family.js';
import type { LoadOptions, TokenizerSource } from './files.js';
import type { TokenizerParts } from './pipeline.js';
import { BertProcessing, TemplateProcessing } from './post-processors.js';
import { BertPreTokenizer } from './pre-tokenizers.js';
import { Tokenizer } from './tokenizer.js';
import { WordPiece } from './word-piece.js';
import {
  BERT_ROLES,
  type BertTokenizerOptions,
  describeBert,
  parseWordList,
  vocabOf,
  type WordPieceVocab,
} from './word-piece-tokenizer.js';

export type { BertTokenizerOptions };

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
  roles: () => BERT_ROLES,
  describing: ['doLowerCase', 'tokenizeChineseChars', 'stripAccents'],
  describe({ vocab }, options, roles, config) {
    const json = describeBert(vocab, options, roles, config);
    return {
      model: { type: 'WordPiece', vocab, ...json.model },
      normalizer: { type: 'BertNormalizer', ...json.normalizer },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: { type: 'TemplateProcessing', ...json.post_processor },
      decoder: { type: 'WordPiece' },
      added_tokens: json.added_tokens,
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

  /** A tokenizer over a vocabulary of tokens. */
  static fromVocab(vocab: WordPieceVocab, options: BertTokenizerOptions = {}): BertTokenizer {
    return new BertTokenizer(describedParts(BERT, { vocab: vocabOf(vocab) }, options));
  }
}
