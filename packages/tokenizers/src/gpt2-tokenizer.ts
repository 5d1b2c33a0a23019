import { Bpe } from './bpe.js';
import {
  ByteLevelDecoder,
  ByteLevelPreTokenizer,
  ByteLevelProcessor,
  wordEnd,
} from './byte-level.js';
import { type Family, type FamilyOptions, readFamily } from './family.js';
import type { LoadOptions, TokenizerSource } from './files.js';
import { RobertaProcessing } from './more-post-processors.js';
import type { ChunkEnd, TokenizerParts } from './pipeline.js';
import { Tokenizer } from './tokenizer.js';
import { readVocabAndMerges, VOCAB_AND_MERGES } from './vocab-and-merges.js';

/** How a bare vocabulary is used; `tokenizer_config.json` says the same under Hugging Face's names. */
export interface GPT2TokenizerOptions extends FamilyOptions {
  /** Put a space before a text that begins without one (default false). */
  addPrefixSpace?: boolean;
}

const isRoberta = (vocab: ReadonlyMap<string, number>) =>
  ['<s>', '</s>', '<mask>'].every((token) => vocab.has(token));

/** How a tokenizer of GPT-2 or RoBERTa is read. */
export const GPT2: Family<GPT2TokenizerOptions> = {
  components: {
    normalizers: {},
    preTokenizers: { ByteLevel: ByteLevelPreTokenizer },
    models: { BPE: Bpe },
    postProcessors: { ByteLevel: ByteLevelProcessor, RobertaProcessing },
    decoders: { ByteLevel: ByteLevelDecoder },
  },
  files: VOCAB_AND_MERGES,
  readVocabulary: readVocabAndMerges,
  roles: (vocab) =>
    isRoberta(vocab)
      ? {
          ...{ bosToken: '<s>', padToken: '<pad>', eosToken: '</s>', unkToken: '<unk>' },
          ...{ maskToken: '<mask>', clsToken: '<s>', sepToken: '</s>' },
        }
      : { unkToken: END, bosToken: END, eosToken: END },
  describing: ['addPrefixSpace'],
  describe({ vocab, merges }, { addPrefixSpace }, roles, config) {
    const type = 'ByteLevel';
    const add_prefix_space = addPrefixSpace ?? config.add_prefix_space === true;
    const token = (name: string | undefined) => [name, vocab.get(name!)];
    return {
      model: { type: 'BPE', vocab, merges },
      pre_tokenizer: { type, add_prefix_space },
      post_processor: isRoberta(vocab)
        ? {
            type: 'RobertaProcessing',
            sep: token(roles.sepToken),
            cls: token(roles.clsToken),
            add_prefix_space,
          }
        : { type, trim_offsets: false },
      decoder: { type },
      added_tokens: [...new Set(Object.values(roles))].map((content) => ({
        content,
        special: true,
        lstrip: content === '<mask>',
      })),
    };
  },
};

const END = '<|endoftext|>';

/** GPT-2's tokenizer, and RoBERTa's: byte-pair encoding over the bytes of the text. */
export class GPT2Tokenizer extends Tokenizer {
  override readonly className: string =
    this.parts.postProcessor instanceof RobertaProcessing ? 'RobertaTokenizer' : 'GPT2Tokenizer';

  constructor(parts: TokenizerParts) {
    super({ ...parts, chunkEnd: byteLevelChunkEnd(parts) });
  }

  /**
   * Reads `tokenizer.json`, or else `vocab.json` with `merges.txt` (`encoder.json` with `vocab.bpe`),
   * and the files beside them. A vocabulary with `<s>`, `</s>` and `<mask>` is RoBERTa's.
   *
   * @param source a folder or file (Node), their URL, a function that reads a file by name, or contents
   * @throws TokenizerError `NOT_FOUND`, `BAD_FILE`, or `UNSUPPORTED` naming the component
   */
  static async fromPretrained(
    source: TokenizerSource,
    options: GPT2TokenizerOptions & LoadOptions = {},
  ): Promise<GPT2Tokenizer> {
    return new GPT2Tokenizer(await readFamily(GPT2, source, options));
  }
}

/** The chunks of GPT-2's pipeline are its words, if the parts are GPT-2's. */
export function byteLevelChunkEnd(parts: TokenizerParts): ChunkEnd | undefined {
  const { normalizer, preTokenizer, model } = parts;
  if (normalizer || model.isRandom || !(preTokenizer instanceof ByteLevelPreTokenizer))
    return undefined;
  const { add_prefix_space, use_regex } = preTokenizer.json;
  return add_prefix_space || !use_regex ? undefined : wordEnd;
}
