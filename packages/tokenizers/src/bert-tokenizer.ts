import { BertFastPath } from './bert-fast-path.js';
import { BertNormalizer } from './bert-normalizer.js';
import { WordPieceDecoder } from './decoders.js';
import { TokenizerError } from './errors.js';
import {
  type LoadOptions,
  nameOf,
  parseJson,
  parseWordList,
  readFirst,
  type TokenizerFiles,
  type TokenizerSource,
  textsOf,
} from './files.js';
import type { SpecialTokens, TokenizerParts } from './pipeline.js';
import { BertProcessing, readTemplateProcessing, TemplateProcessing } from './post-processors.js';
import { BertPreTokenizer } from './pre-tokenizers.js';
import { COMPANIONS, type Companions, given, readCompanions } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { type Components, readTokenizerJson, readVocab } from './tokenizer-json.js';
import { WordPiece } from './word-piece.js';

/** How a bare vocabulary is used; `tokenizer_config.json` says the same under Hugging Face's names. */
export interface BertTokenizerOptions extends SpecialTokens {
  /** Lower the case, which also strips accents unless `stripAccents` says otherwise (default true). */
  doLowerCase?: boolean;
  /** Put Chinese characters apart (default true). */
  tokenizeChineseChars?: boolean;
  /** Strip accents; null does what `doLowerCase` says (default null). */
  stripAccents?: boolean | null;
  /** The length that the model takes. */
  modelMaxLength?: number;
}

const DEFAULT_TOKENS = {
  unkToken: '[UNK]',
  sepToken: '[SEP]',
  padToken: '[PAD]',
  clsToken: '[CLS]',
  maskToken: '[MASK]',
};

type BertTokens = typeof DEFAULT_TOKENS & SpecialTokens;

/** What a BERT `tokenizer.json` is made of. */
export const bertComponents: Components = {
  normalizers: {
    BertNormalizer: (json) =>
      new BertNormalizer({
        cleanText: json.clean_text !== false,
        handleChineseChars: json.handle_chinese_chars !== false,
        stripAccents: (json.strip_accents as boolean | null | undefined) ?? null,
        lowercase: json.lowercase !== false,
      }),
  },
  preTokenizers: { BertPreTokenizer: () => new BertPreTokenizer() },
  models: {
    WordPiece: (json) =>
      new WordPiece(readVocab(json.vocab), {
        unkToken: String(json.unk_token ?? '[UNK]'),
        continuingSubwordPrefix: String(json.continuing_subword_prefix ?? '##'),
        maxInputCharsPerWord: Number(json.max_input_chars_per_word ?? 100),
      }),
  },
  postProcessors: {
    TemplateProcessing: readTemplateProcessing,
    BertProcessing: (json) =>
      new BertProcessing(json.sep as [string, number], json.cls as [string, number]),
  },
  decoders: {
    WordPiece: (json) => new WordPieceDecoder(String(json.prefix ?? '##'), json.cleanup !== false),
  },
};

/** BERT's tokenizer: WordPiece over cleaned, and for uncased models lowered, text. */
export class BertTokenizer extends Tokenizer {
  constructor(parts: TokenizerParts) {
    super({ ...parts, fastPath: bertFastPath(parts) });
  }

  /**
   * Reads `tokenizer.json`, or else `vocab.txt`, and the files beside it.
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
    const { signal, ...rest } = options;
    const files = await readFirst(source, [['tokenizer.json'], ['vocab.txt']], COMPANIONS, {
      signal,
    });
    return fromTexts(files, rest, nameOf(source));
  }

  /** The same for contents at hand, at once. */
  static fromFiles(files: TokenizerFiles, options: BertTokenizerOptions = {}): BertTokenizer {
    return fromTexts(textsOf(files), options, 'the files given');
  }

  /** A tokenizer over a vocabulary of tokens, in the order of their ids. */
  static fromVocab(
    vocab: Iterable<string> | ReadonlyMap<string, number>,
    options: BertTokenizerOptions = {},
  ): BertTokenizer {
    const map = isMap(vocab)
      ? vocab
      : new Map(Array.from(vocab, (token, id) => [token, id] as const));
    return fromVocabulary(map, options, readCompanions(new Map()));
  }

  protected override configEntries(): object {
    const { normalizer } = this.parts;
    return {
      tokenizer_class: 'BertTokenizer',
      ...(normalizer instanceof BertNormalizer && {
        do_lower_case: normalizer.lowercase,
        strip_accents: normalizer.stripAccents,
        tokenize_chinese_chars: normalizer.handleChineseChars,
      }),
    };
  }

  protected override vocabFiles(): Record<string, string> {
    const list = wordList(this.parts.model.vocab);
    return list === undefined ? {} : { 'vocab.txt': list };
  }
}

function fromTexts(
  files: ReadonlyMap<string, string>,
  options: BertTokenizerOptions,
  source: string,
): BertTokenizer {
  const companions = readCompanions(files);
  const whole = files.get('tokenizer.json');
  if (whole !== undefined) {
    const parts = readTokenizerJson(parseJson('tokenizer.json', whole), bertComponents);
    if (
      options.doLowerCase !== undefined ||
      options.stripAccents !== undefined ||
      options.tokenizeChineseChars !== undefined
    ) {
      throw new TokenizerError(
        'BAD_OPTION',
        'doLowerCase, stripAccents and tokenizeChineseChars are for a vocab.txt: the tokenizer.json says them itself',
      );
    }
    return new BertTokenizer({
      ...parts,
      ...rolesAndLength(options, companions),
      config: companions.config,
    });
  }
  const list = files.get('vocab.txt');
  if (list === undefined) {
    throw new TokenizerError(
      'NOT_FOUND',
      `${source}: neither tokenizer.json nor vocab.txt is there. A source is a folder, a file, a URL, or a function that reads a file by name; for a hub id, give the function that @multihead/checkpoint makes of it`,
    );
  }
  return fromVocabulary(parseWordList('vocab.txt', list), options, companions);
}

function rolesAndLength(
  {
    doLowerCase: _1,
    stripAccents: _2,
    tokenizeChineseChars: _3,
    modelMaxLength,
    ...roles
  }: BertTokenizerOptions,
  companions: Companions,
): { specialTokens: BertTokens; modelMaxLength: number | undefined } {
  return {
    specialTokens: { ...DEFAULT_TOKENS, ...given(companions.specialTokens), ...given(roles) },
    modelMaxLength: modelMaxLength ?? companions.modelMaxLength,
  };
}

function fromVocabulary(
  vocab: ReadonlyMap<string, number>,
  options: BertTokenizerOptions,
  companions: Companions,
): BertTokenizer {
  const { config } = companions;
  const { specialTokens, modelMaxLength } = rolesAndLength(options, companions);
  const { unkToken, sepToken, padToken, clsToken, maskToken } = specialTokens;
  const names = [padToken, unkToken, clsToken, sepToken, maskToken];
  const ids = new Map(vocab);
  for (const name of names) if (!ids.has(name)) ids.set(name, ids.size);
  return new BertTokenizer({
    model: new WordPiece(vocab, { unkToken }),
    normalizer: new BertNormalizer({
      lowercase: options.doLowerCase ?? config.do_lower_case !== false,
      handleChineseChars: options.tokenizeChineseChars ?? config.tokenize_chinese_chars !== false,
      stripAccents:
        options.stripAccents ?? (config.strip_accents as boolean | null | undefined) ?? null,
    }),
    preTokenizer: new BertPreTokenizer(),
    postProcessor: template([clsToken, ids.get(clsToken)!], [sepToken, ids.get(sepToken)!]),
    decoder: new WordPieceDecoder(),
    addedTokens: names.map((content) => ({ content, special: true })),
    specialTokens,
    modelMaxLength,
    config,
  });
}

/** BERT's template, as Hugging Face writes it. */
function template(cls: [string, number], sep: [string, number]): TemplateProcessing {
  const { single, pair, specialTokens } = new BertProcessing(sep, cls);
  return new TemplateProcessing(single, pair, specialTokens);
}

/** The fast path of BERT's pipeline, if the parts are BERT's. */
export function bertFastPath({
  normalizer,
  preTokenizer,
  model,
}: TokenizerParts): BertFastPath | undefined {
  return normalizer instanceof BertNormalizer && preTokenizer instanceof BertPreTokenizer
    ? new BertFastPath(normalizer, preTokenizer, model)
    : undefined;
}

/** The vocabulary as lines, if its ids are 0, 1, 2 … and no token would be read back differently. */
function wordList(vocab: ReadonlyMap<string, number>): string | undefined {
  const tokens: string[] = new Array(vocab.size);
  for (const [token, id] of vocab) {
    if (id >= tokens.length || token.trimEnd() !== token || token.includes('\n')) return undefined;
    tokens[id] = token;
  }
  return `${tokens.join('\n')}\n`;
}

function isMap(
  vocab: Iterable<string> | ReadonlyMap<string, number>,
): vocab is ReadonlyMap<string, number> {
  return 'get' in vocab;
}
