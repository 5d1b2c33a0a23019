import { Bpe, readBpe } from './bpe.js';
import {
  ByteLevelDecoder,
  ByteLevelPreTokenizer,
  ByteLevelProcessor,
  readByteLevelOptions,
} from './byte-level.js';
import { ByteLevelFastPath } from './byte-level-fast-path.js';
import { TokenizerError } from './errors.js';
import {
  type LoadOptions,
  nameOf,
  parseJson,
  readFirst,
  type TokenizerFiles,
  type TokenizerSource,
  textsOf,
} from './files.js';
import { RobertaProcessing, readRobertaProcessing } from './more-post-processors.js';
import type { SpecialTokens, TokenizerParts } from './pipeline.js';
import { COMPANIONS, given, type RoleTokens, readCompanions } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { type Components, readTokenizerJson } from './tokenizer-json.js';
import {
  MERGE_FILES,
  readVocabAndMerges,
  VOCAB_FILES,
  writeVocabAndMerges,
} from './vocab-and-merges.js';

/** How a bare vocabulary is used; `tokenizer_config.json` says the same under Hugging Face's names. */
export interface GPT2TokenizerOptions extends SpecialTokens {
  /** Put a space before a text that begins without one (default false). */
  addPrefixSpace?: boolean;
  /** Leave merges out with this probability (default none). */
  dropout?: number;
  /** For `dropout` (default 0). */
  seed?: number;
  /** The length that the model takes. */
  modelMaxLength?: number;
}

/** What a `tokenizer.json` of GPT-2 or RoBERTa is made of. */
export const gpt2Components: Components = {
  normalizers: {},
  preTokenizers: { ByteLevel: (json) => new ByteLevelPreTokenizer(readByteLevelOptions(json)) },
  models: { BPE: readBpe },
  postProcessors: {
    ByteLevel: (json) => new ByteLevelProcessor(readByteLevelOptions(json)),
    RobertaProcessing: readRobertaProcessing,
  },
  decoders: { ByteLevel: (json) => new ByteLevelDecoder(readByteLevelOptions(json)) },
};

/** GPT-2's tokenizer, and RoBERTa's: byte-pair encoding over the bytes of the text. */
export class GPT2Tokenizer extends Tokenizer {
  constructor(parts: TokenizerParts) {
    super({ ...parts, fastPath: byteLevelFastPath(parts) });
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
    const { signal, ...rest } = options;
    const kinds = [['tokenizer.json'], [...VOCAB_FILES, ...MERGE_FILES]];
    const files = await readFirst(source, kinds, COMPANIONS, { signal });
    return fromTexts(files, rest, nameOf(source));
  }

  /** The same for contents at hand, at once. */
  static fromFiles(files: TokenizerFiles, options: GPT2TokenizerOptions = {}): GPT2Tokenizer {
    return fromTexts(textsOf(files), options, 'the files given');
  }

  protected override configEntries(): object {
    const { preTokenizer, postProcessor } = this.parts;
    return {
      tokenizer_class:
        postProcessor instanceof RobertaProcessing ? 'RobertaTokenizer' : 'GPT2Tokenizer',
      add_prefix_space: (preTokenizer as ByteLevelPreTokenizer).addPrefixSpace,
    };
  }

  protected override vocabFiles(): Record<string, string> {
    const model = this.parts.model as Bpe;
    return writeVocabAndMerges(model.vocab, model.merges);
  }
}

/** The fast path of GPT-2's pipeline, if the parts are GPT-2's. */
export function byteLevelFastPath(parts: TokenizerParts): ByteLevelFastPath | undefined {
  const { normalizer, preTokenizer, model } = parts;
  return normalizer === undefined &&
    preTokenizer instanceof ByteLevelPreTokenizer &&
    model instanceof Bpe
    ? ByteLevelFastPath.of(preTokenizer, model)
    : undefined;
}

function fromTexts(
  files: ReadonlyMap<string, string>,
  options: GPT2TokenizerOptions,
  source: string,
): GPT2Tokenizer {
  const { addPrefixSpace, dropout, seed, modelMaxLength, ...roles } = options;
  const companions = readCompanions(files);
  const { config } = companions;
  const common = { config, modelMaxLength: modelMaxLength ?? companions.modelMaxLength };
  const named = { ...companions.specialTokens, ...given(roles) };
  const whole = files.get('tokenizer.json');
  if (whole !== undefined) {
    if (addPrefixSpace !== undefined || dropout !== undefined || seed !== undefined) {
      throw new TokenizerError(
        'BAD_OPTION',
        'addPrefixSpace, dropout and seed are for a vocab.json: the tokenizer.json says them itself',
      );
    }
    const parts = readTokenizerJson(parseJson('tokenizer.json', whole), gpt2Components);
    const isRoberta = parts.postProcessor instanceof RobertaProcessing;
    const specialTokens = { ...(isRoberta ? ROBERTA_TOKENS : GPT2_TOKENS), ...named };
    return new GPT2Tokenizer({ ...parts, ...common, specialTokens });
  }
  const { vocab, merges } = readVocabAndMerges(files, source);
  const isRoberta = ['<s>', '</s>', '<mask>'].every((token) => vocab.has(token));
  const specialTokens = { ...(isRoberta ? ROBERTA_TOKENS : GPT2_TOKENS), ...named };
  const prefix = addPrefixSpace ?? config.add_prefix_space === true;
  const token = (name: string | undefined): [string, number] => [name!, vocab.get(name!)!];
  return new GPT2Tokenizer({
    model: new Bpe(vocab, merges, { ...(dropout && { dropout }), ...(seed && { seed }) }),
    preTokenizer: new ByteLevelPreTokenizer({ addPrefixSpace: prefix }),
    postProcessor: isRoberta
      ? new RobertaProcessing(
          token(specialTokens.sepToken),
          token(specialTokens.clsToken),
          true,
          prefix,
        )
      : new ByteLevelProcessor({ trimOffsets: false }),
    decoder: new ByteLevelDecoder(),
    addedTokens: [...new Set(Object.values(specialTokens))].map((content) => ({
      content,
      special: true,
      normalized: true,
      lstrip: content === '<mask>',
    })),
    ...common,
    specialTokens,
  });
}

const GPT2_TOKENS: RoleTokens = {
  unkToken: '<|endoftext|>',
  bosToken: '<|endoftext|>',
  eosToken: '<|endoftext|>',
};

const ROBERTA_TOKENS: RoleTokens = {
  unkToken: '<unk>',
  sepToken: '</s>',
  padToken: '<pad>',
  clsToken: '<s>',
  maskToken: '<mask>',
  bosToken: '<s>',
  eosToken: '</s>',
};
