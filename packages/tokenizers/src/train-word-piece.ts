import { BertNormalizer } from './bert-normalizer.js';
import { BertTokenizer, type BertTokenizerOptions } from './bert-tokenizer.js';
import { countWords, type Texts } from './count-words.js';
import { TokenizerError } from './errors.js';
import { type MergeTrainingOptions, trainMerges } from './merge-trainer.js';
import { BertPreTokenizer, bertChunks } from './pre-tokenizers.js';

/** As Hugging Face's `BertWordPieceTokenizer.train` has them, with its defaults. */
export interface WordPieceTrainingOptions
  extends BertTokenizerOptions,
    Omit<MergeTrainingOptions, 'endOfWordSuffix' | 'maxTokenLength' | 'continuingSubwordPrefix'> {}

const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/**
 * Trains a WordPiece vocabulary for BERT.
 *
 * The merges are those of Hugging Face's `WordPieceTrainer` (byte-pair merges over symbols of which
 * those within a word begin with `##`). Its order of equally frequent pairs depends on chance; here
 * it is that of the tokens, so that the same text gives the same vocabulary on every machine.
 *
 * @param texts lines or documents; a word must not run over from one to the next
 * @param options `vocabSize` 30,000, `minFrequency` 2, `limitAlphabet` 1,000 and `specialTokens`
 * `[PAD] [UNK] [CLS] [SEP] [MASK]` unless given; and how the tokenizer is to treat text
 * @throws TokenizerError `ABORTED` when the signal fires, `BAD_OPTION` for impossible options
 */
export async function trainWordPiece(
  texts: Texts,
  options: WordPieceTrainingOptions = {},
): Promise<BertTokenizer> {
  const {
    vocabSize = 30_000,
    minFrequency = 2,
    limitAlphabet = 1000,
    specialTokens = SPECIAL_TOKENS,
    initialAlphabet = [],
    onProgress,
    signal,
    ...bertOptions
  } = options;
  const missing = SPECIAL_TOKENS.filter(
    (_, i) => !specialTokens.includes(roleTokens(bertOptions)[i]!),
  );
  if (missing.length > 0) {
    throw new TokenizerError(
      'BAD_OPTION',
      `specialTokens lacks ${missing.join(', ')}, which BERT needs`,
    );
  }
  const wordCounts = await countWords(texts, {
    normalizer: new BertNormalizer({
      lowercase: bertOptions.doLowerCase ?? true,
      handle_chinese_chars: bertOptions.tokenizeChineseChars ?? true,
      strip_accents: bertOptions.stripAccents ?? null,
    }),
    preTokenizer: new BertPreTokenizer(),
    chunks: bertChunks,
    onProgress,
    signal,
  });
  const { tokens } = await trainMerges(wordCounts, {
    vocabSize,
    minFrequency,
    limitAlphabet,
    specialTokens,
    initialAlphabet,
    continuingSubwordPrefix: '##',
    onProgress,
    signal,
  });
  const tokenizer = BertTokenizer.fromVocab(tokens, bertOptions);
  tokenizer.addTokens(specialTokens.map((content) => ({ content, special: true })));
  return tokenizer;
}

function roleTokens(roles: BertTokenizerOptions): string[] {
  const [pad, unk, cls, sep, mask] = SPECIAL_TOKENS as [string, string, string, string, string];
  return [
    roles.padToken ?? pad,
    roles.unkToken ?? unk,
    roles.clsToken ?? cls,
    roles.sepToken ?? sep,
    roles.maskToken ?? mask,
  ];
}
