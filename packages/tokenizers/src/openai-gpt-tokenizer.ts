import { bertChunkEnd } from './bert-chunks.js';
import { BertNormalizer } from './bert-normalizer.js';
import { Bpe } from './bpe.js';
import { type Family, type FamilyOptions, readFamily, specialToken } from './family.js';
import type { LoadOptions, TokenizerSource } from './files.js';
import { BpeDecoder } from './more-decoders.js';
import type { TokenizerParts } from './pipeline.js';
import { BertPreTokenizer } from './pre-tokenizers.js';
import { Tokenizer } from './tokenizer.js';
import { readVocabAndMerges, VOCAB_AND_MERGES } from './vocab-and-merges.js';

/** Names of tokens with a role, and the length that the model takes. */
export type OpenAIGPTTokenizerOptions = FamilyOptions;

/** How a GPT-1 tokenizer is read. */
export const OPENAI_GPT: Family<OpenAIGPTTokenizerOptions> = {
  components: {
    normalizers: { BertNormalizer },
    preTokenizers: { BertPreTokenizer },
    models: { BPE: Bpe },
    postProcessors: {},
    decoders: { BPEDecoder: BpeDecoder },
  },
  files: VOCAB_AND_MERGES,
  readVocabulary: readVocabAndMerges,
  roles: () => ({ unkToken: '<unk>' }),
  describing: [],
  describe: ({ vocab, merges }, _, roles) => ({
    model: {
      type: 'BPE',
      ...{ vocab, merges, unk_token: roles.unkToken, end_of_word_suffix: '</w>' },
    },
    normalizer: { type: 'BertNormalizer' },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    decoder: { type: 'BPEDecoder' },
    added_tokens: Object.values(roles).map(specialToken),
  }),
};

/** GPT-1's tokenizer: byte-pair encoding over lowered words, of which the last symbol ends with `</w>`. */
export class OpenAIGPTTokenizer extends Tokenizer {
  override readonly className: string = 'OpenAIGPTTokenizer';

  constructor(parts: TokenizerParts) {
    super({ ...parts, chunkEnd: bertChunkEnd(parts) });
  }

  /**
   * Reads `tokenizer.json`, or else `vocab.json` with `merges.txt`, and the files beside them.
   *
   * @param source a folder or file (Node), their URL, a function that reads a file by name, or contents
   * @throws TokenizerError `NOT_FOUND`, `BAD_FILE`, or `UNSUPPORTED` naming the component
   */
  static async fromPretrained(
    source: TokenizerSource,
    options: OpenAIGPTTokenizerOptions & LoadOptions = {},
  ): Promise<OpenAIGPTTokenizer> {
    return new OpenAIGPTTokenizer(await readFamily(OPENAI_GPT, source, options));
  }
}
