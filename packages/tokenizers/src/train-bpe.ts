import { BertNormalizer } from './bert-normalizer.js';
import { Bpe } from './bpe.js';
import {
  BYTE_CHARS,
  ByteLevelDecoder,
  ByteLevelPreTokenizer,
  ByteLevelProcessor,
  byteLevelWords,
} from './byte-level.js';
import { countWords, type Texts } from './count-words.js';
import { numbered } from './family.js';
import { GPT2Tokenizer } from './gpt2-tokenizer.js';
import { type MergeTrainingOptions, trainMerges } from './merge-trainer.js';
import { BpeDecoder } from './more-decoders.js';
import { OpenAIGPTTokenizer } from './openai-gpt-tokenizer.js';
import { BertPreTokenizer, bertChunks } from './pre-tokenizers.js';

/** As Hugging Face's `BpeTrainer` has them, with its defaults. */
export interface BpeTrainingOptions
  extends Omit<MergeTrainingOptions, 'continuingSubwordPrefix' | 'endOfWordSuffix'> {
  /** Put a space before texts that begin without one (default false). */
  addPrefixSpace?: boolean;
}

/**
 * Trains byte-level byte-pair encoding, as GPT-2 has it. The merges are those of Hugging Face's
 * `BpeTrainer` on the same text and settings, ties included. All 256 bytes are in the vocabulary.
 *
 * @param texts lines or documents; a word must not run over from one to the next
 * @param options `vocabSize` 30,000, `minFrequency` 0 and `specialTokens` `<|endoftext|>` unless given
 * @throws TokenizerError `ABORTED` when the signal fires, `BAD_OPTION` for impossible options
 */
export async function trainBpe(
  texts: Texts,
  options: BpeTrainingOptions = {},
): Promise<GPT2Tokenizer> {
  const { addPrefixSpace = false, specialTokens = ['<|endoftext|>'], ...rest } = options;
  const wordCounts = await countWords(texts, {
    ...rest,
    preTokenizer: new ByteLevelPreTokenizer({ add_prefix_space: false }),
    chunks: (text) =>
      byteLevelWords(addPrefixSpace && text !== '' && !text.startsWith(' ') ? ` ${text}` : text),
  });
  const { tokens, merges } = await trainMerges(wordCounts, {
    ...rest,
    specialTokens,
    initialAlphabet: [...BYTE_CHARS(), ...(rest.initialAlphabet ?? [])],
  });
  const [end] = specialTokens;
  return new GPT2Tokenizer({
    model: new Bpe(numbered(tokens), { merges }),
    preTokenizer: new ByteLevelPreTokenizer({ add_prefix_space: addPrefixSpace }),
    postProcessor: new ByteLevelProcessor({ trim_offsets: false }),
    decoder: new ByteLevelDecoder(),
    addedTokens: specialTokens.map((content) => ({ content, special: true })),
    specialTokens: end === undefined ? {} : { unkToken: end, bosToken: end, eosToken: end },
  });
}

/**
 * Trains classic byte-pair encoding, as GPT-1 has it: lowered words, of which the last symbol ends
 * with `</w>`. Where pairs are equally frequent, Hugging Face's trainer leaves the order of such
 * symbols to chance; here it is that of their characters.
 *
 * @param texts lines or documents; a word must not run over from one to the next
 * @param options `vocabSize` 30,000, `minFrequency` 0 and `specialTokens` `<unk>` unless given; the
 * first special token stands for what is unknown
 * @throws TokenizerError `ABORTED` when the signal fires, `BAD_OPTION` for impossible options
 */
export async function trainClassicBpe(
  texts: Texts,
  options: Omit<BpeTrainingOptions, 'addPrefixSpace'> = {},
): Promise<OpenAIGPTTokenizer> {
  const { specialTokens = ['<unk>'], ...rest } = options;
  const normalizer = new BertNormalizer();
  const preTokenizer = new BertPreTokenizer();
  const wordCounts = await countWords(texts, {
    ...rest,
    normalizer,
    preTokenizer,
    chunks: bertChunks,
  });
  const { tokens, merges } = await trainMerges(wordCounts, {
    ...rest,
    specialTokens,
    endOfWordSuffix: '</w>',
  });
  const unkToken = specialTokens[0] ?? null;
  return new OpenAIGPTTokenizer({
    model: new Bpe(numbered(tokens), { merges, unk_token: unkToken, end_of_word_suffix: '</w>' }),
    normalizer,
    preTokenizer,
    decoder: new BpeDecoder(),
    addedTokens: specialTokens.map((content) => ({ content, special: true })),
    specialTokens: unkToken === null ? {} : { unkToken },
  });
}
