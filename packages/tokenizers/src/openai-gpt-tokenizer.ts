import { BertFastPath } from './bert-fast-path.js';
import { BertNormalizer } from './bert-normalizer.js';
import { bertComponents } from './bert-tokenizer.js';
import { Bpe, readBpe } from './bpe.js';
import {
  type LoadOptions,
  nameOf,
  parseJson,
  readFirst,
  type TokenizerFiles,
  type TokenizerSource,
  textsOf,
} from './files.js';
import { BpeDecoder } from './more-decoders.js';
import type { SpecialTokens, TokenizerParts } from './pipeline.js';
import { BertPreTokenizer } from './pre-tokenizers.js';
import { COMPANIONS, given, readCompanions } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { type Components, readTokenizerJson } from './tokenizer-json.js';
import {
  MERGE_FILES,
  readVocabAndMerges,
  VOCAB_FILES,
  writeVocabAndMerges,
} from './vocab-and-merges.js';

/** Names of tokens with a role, and the length that the model takes. */
export interface OpenAIGPTTokenizerOptions extends SpecialTokens {
  modelMaxLength?: number;
}

const openAIGPTComponents: Components = {
  ...bertComponents,
  models: { BPE: readBpe },
  decoders: { BPEDecoder: (json) => new BpeDecoder(String(json.suffix ?? '</w>')) },
};

/** GPT-1's tokenizer: byte-pair encoding over lowered words, of which the last symbol ends with `</w>`. */
export class OpenAIGPTTokenizer extends Tokenizer {
  constructor(parts: TokenizerParts) {
    const { normalizer, preTokenizer, model } = parts;
    const isFast =
      normalizer instanceof BertNormalizer &&
      preTokenizer instanceof BertPreTokenizer &&
      model instanceof Bpe &&
      model.isDeterministic;
    super({
      ...parts,
      fastPath: isFast ? new BertFastPath(normalizer, preTokenizer, model) : undefined,
    });
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
    const { signal, ...rest } = options;
    const kinds = [['tokenizer.json'], [...VOCAB_FILES, ...MERGE_FILES]];
    const files = await readFirst(source, kinds, COMPANIONS, { signal });
    return fromTexts(files, rest, nameOf(source));
  }

  /** The same for contents at hand, at once. */
  static fromFiles(
    files: TokenizerFiles,
    options: OpenAIGPTTokenizerOptions = {},
  ): OpenAIGPTTokenizer {
    return fromTexts(textsOf(files), options, 'the files given');
  }

  protected override configEntries(): object {
    return { tokenizer_class: 'OpenAIGPTTokenizer' };
  }

  protected override vocabFiles(): Record<string, string> {
    const model = this.parts.model as Bpe;
    return writeVocabAndMerges(model.vocab, model.merges);
  }
}

function fromTexts(
  files: ReadonlyMap<string, string>,
  { modelMaxLength, ...roles }: OpenAIGPTTokenizerOptions,
  source: string,
): OpenAIGPTTokenizer {
  const companions = readCompanions(files);
  const specialTokens = { unkToken: '<unk>', ...companions.specialTokens, ...given(roles) };
  const common = {
    specialTokens,
    config: companions.config,
    modelMaxLength: modelMaxLength ?? companions.modelMaxLength,
  };
  const whole = files.get('tokenizer.json');
  if (whole !== undefined) {
    const parts = readTokenizerJson(parseJson('tokenizer.json', whole), openAIGPTComponents);
    return new OpenAIGPTTokenizer({ ...parts, ...common });
  }
  const { vocab, merges } = readVocabAndMerges(files, source);
  return new OpenAIGPTTokenizer({
    model: new Bpe(vocab, merges, { unkToken: specialTokens.unkToken, endOfWordSuffix: '</w>' }),
    normalizer: new BertNormalizer({ lowercase: true }),
    preTokenizer: new BertPreTokenizer(),
    decoder: new BpeDecoder('</w>'),
    addedTokens: Object.values(specialTokens).map((content) => ({ content, special: true })),
    ...common,
  });
}
