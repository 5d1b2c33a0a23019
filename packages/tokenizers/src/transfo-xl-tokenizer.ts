import { WordPieceDecoder } from './decoders.js';
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
import { DecoderSequence, Fuse, ReplaceDecoder } from './more-decoders.js';
import { PreTokenizerSequence, Split, WhitespaceSplit } from './more-pre-tokenizers.js';
import { Lowercase, NormalizerSequence, Replace } from './normalizers.js';
import { Pattern } from './pattern.js';
import type {
  Decoder,
  Normalizer,
  PreTokenizer,
  SpecialTokens,
  TokenizerParts,
} from './pipeline.js';
import {
  readTemplateProcessing,
  type TemplatePiece,
  TemplateProcessing,
} from './post-processors.js';
import { COMPANIONS, given, readCompanions } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { type Components, readList, readTokenizerJson, readVocab } from './tokenizer-json.js';
import { WordLevel } from './word-level.js';

/** How a list of words is used. */
export interface TransfoXLTokenizerOptions extends SpecialTokens {
  /** Lower the case (default false). */
  lowerCase?: boolean;
  /** Put `<eos>` after every text, as the corpus of the model has it after every line (default false). */
  addEos?: boolean;
  /** The length that the model takes. */
  modelMaxLength?: number;
}

const transfoXLComponents: Components = {
  normalizers: {
    Lowercase: () => new Lowercase(),
    Replace: (json) => new Replace(Pattern.read(json.pattern), String(json.content)),
    Sequence: (json, read) => new NormalizerSequence(readList(json.normalizers).map(read)),
  },
  preTokenizers: {
    WhitespaceSplit: () => new WhitespaceSplit(),
    Split: (json) => new Split(Pattern.read(json.pattern), 'Isolated', json.invert === true),
    Sequence: (json, read) => new PreTokenizerSequence(readList(json.pretokenizers).map(read)),
  },
  models: { WordLevel: (json) => new WordLevel(readVocab(json.vocab), String(json.unk_token)) },
  postProcessors: {
    TemplateProcessing: readTemplateProcessing,
  },
  decoders: {
    WordPiece: (json) => new WordPieceDecoder(String(json.prefix), json.cleanup === true),
    Fuse: () => new Fuse(),
    Replace: (json) => new ReplaceDecoder(Pattern.read(json.pattern), String(json.content)),
    Sequence: (json, read) => new DecoderSequence(readList(json.decoders).map(read)),
  },
};

/**
 * Transformer-XL's tokenizer: words as the Moses scripts cut them, of a fixed list. A hyphen within a
 * word and a comma or point within a number become tokens of their own (`@-@`, `@,@`, `@.@`), which
 * `decode` takes back exactly. Text that is already cut this way, as WikiText is, stays as it is.
 */
export class TransfoXLTokenizer extends Tokenizer {
  /**
   * Reads `tokenizer.json`, or else `vocab.txt`, one word a line (what follows the word, such as its
   * count, is left aside), and the files beside it.
   *
   * @param source a folder or file (Node), their URL, a function that reads a file by name, or contents
   * @throws TokenizerError `NOT_FOUND`, `BAD_FILE`, or `UNSUPPORTED` naming the component
   */
  static async fromPretrained(
    source: TokenizerSource,
    options: TransfoXLTokenizerOptions & LoadOptions = {},
  ): Promise<TransfoXLTokenizer> {
    const { signal, ...rest } = options;
    const files = await readFirst(source, [['tokenizer.json'], ['vocab.txt']], COMPANIONS, {
      signal,
    });
    return fromTexts(files, rest, nameOf(source));
  }

  /** The same for contents at hand, at once. */
  static fromFiles(
    files: TokenizerFiles,
    options: TransfoXLTokenizerOptions = {},
  ): TransfoXLTokenizer {
    return fromTexts(textsOf(files), options, 'the files given');
  }

  /** A tokenizer over a list of words, in the order of their ids. */
  static fromVocab(
    words: Iterable<string>,
    options: TransfoXLTokenizerOptions = {},
  ): TransfoXLTokenizer {
    const vocab = new Map(Array.from(words, (word, id) => [word, id] as const));
    return fromVocabulary(vocab, options, readCompanions(new Map()));
  }

  protected override configEntries(): object {
    return { tokenizer_class: 'PreTrainedTokenizerFast' };
  }

  protected override vocabFiles(): Record<string, string> {
    const words: string[] = [];
    for (const [word, id] of this.parts.model.vocab) words[id] = word;
    return { 'vocab.txt': `${words.join('\n')}\n` };
  }
}

function fromTexts(
  files: ReadonlyMap<string, string>,
  options: TransfoXLTokenizerOptions,
  source: string,
): TransfoXLTokenizer {
  const companions = readCompanions(files);
  const whole = files.get('tokenizer.json');
  if (whole !== undefined) {
    if (options.lowerCase !== undefined || options.addEos !== undefined) {
      throw new TokenizerError(
        'BAD_OPTION',
        'lowerCase and addEos are for a vocab.txt: the tokenizer.json says them itself',
      );
    }
    const { modelMaxLength, ...roles } = options;
    return new TransfoXLTokenizer({
      ...readTokenizerJson(parseJson('tokenizer.json', whole), transfoXLComponents),
      specialTokens: { ...DEFAULT_TOKENS, ...companions.specialTokens, ...given(roles) },
      modelMaxLength: modelMaxLength ?? companions.modelMaxLength,
      config: companions.config,
    });
  }
  const list = files.get('vocab.txt');
  if (list === undefined) {
    throw new TokenizerError(
      'NOT_FOUND',
      `${source}: neither tokenizer.json nor vocab.txt is there`,
    );
  }
  const vocab = new Map<string, number>();
  for (const line of list.split('\n')) {
    const word = line.trim().split(/\s/)[0]!;
    if (word !== '' && !vocab.has(word)) vocab.set(word, vocab.size);
  }
  if (vocab.size === 0) throw new TokenizerError('BAD_FILE', 'vocab.txt: no word in it');
  return fromVocabulary(vocab, options, companions);
}

const DEFAULT_TOKENS = { unkToken: '<unk>', eosToken: '<eos>' };

function fromVocabulary(
  vocab: ReadonlyMap<string, number>,
  { lowerCase = false, addEos = false, modelMaxLength, ...roles }: TransfoXLTokenizerOptions,
  companions: ReturnType<typeof readCompanions>,
): TransfoXLTokenizer {
  const specialTokens = { ...DEFAULT_TOKENS, ...companions.specialTokens, ...given(roles) };
  const { eosToken, unkToken } = specialTokens;
  const parts: TokenizerParts = {
    model: new WordLevel(vocab, unkToken),
    normalizer: mosesNormalizer(lowerCase),
    preTokenizer: mosesPreTokenizer(),
    decoder: mosesDecoder(),
    addedTokens: [...new Set(Object.values(specialTokens))]
      .filter((content) => vocab.has(content))
      .map((content) => ({ content, special: true })),
    specialTokens,
    modelMaxLength: modelMaxLength ?? companions.modelMaxLength,
    config: companions.config,
  };
  if (!addEos) return new TransfoXLTokenizer(parts);
  const id = vocab.get(eosToken);
  if (id === undefined) {
    throw new TokenizerError('BAD_OPTION', `addEos: the vocabulary has no ${eosToken}`);
  }
  const eos = (type_id: number) => ({ SpecialToken: { id: eosToken, type_id } });
  const single: TemplatePiece[] = [{ Sequence: { id: 'A', type_id: 0 } }, eos(0)];
  const pair: TemplatePiece[] = [...single, { Sequence: { id: 'B', type_id: 0 } }, eos(0)];
  const tokens = { [eosToken]: { id: eosToken, ids: [id], tokens: [eosToken] } };
  return new TransfoXLTokenizer({
    ...parts,
    postProcessor: new TemplateProcessing(single, pair, tokens),
  });
}

const regex = (source: string) => new Pattern({ Regex: source });
const literal = (text: string) => new Pattern({ String: text });

/** Sets apart the hyphen within a word, and the comma and point within a number. */
function mosesNormalizer(lowerCase: boolean): Normalizer {
  const replacements = [
    new Replace(regex('(?<=[\\p{L}\\p{N}])-(?=[\\p{L}\\p{N}])'), ' @-@ '),
    new Replace(regex('(?<=\\d),(?=\\d)'), ' @,@ '),
    new Replace(regex('(?<=\\d)\\.(?=\\d)'), ' @.@ '),
  ];
  return new NormalizerSequence(lowerCase ? [new Lowercase(), ...replacements] : replacements);
}

/** Names with a point that does not end a sentence. */
const ABBREVIATIONS =
  'Adj|Adm|Adv|Asst|Bart|Bldg|Brig|Bros|Capt|Cmdr|Co|Col|Comdr|Con|Corp|Cpl|Dr|Drs|Ens|Esq|Ft|Gen|Gov|Hon|Hosp|Inc|Insp|Jr|Lt|Ltd|MM|Maj|Messrs|Mlle|Mme|Mr|Mrs|Ms|Msgr|Mt|No|Op|Ord|Pfc|Ph|Prof|Pvt|Rep|Reps|Res|Rev|Rt|Sen|Sens|Sfc|Sgt|Sr|St|Supt|Surg|pp|vs|etc|e\\.g|i\\.e';

/** Words at white space, and punctuation apart from them, by the rules of the Moses tokenizer for English. */
function mosesPreTokenizer(): PreTokenizer {
  const tokens = [
    '@[-,.]@', // what the normalizer made
    '<[\\p{L}_]+>', // <unk>, <eos>, <formula>
    `(?:${ABBREVIATIONS})\\.(?!\\p{L})`,
    '(?:\\p{L}\\.)+(?:\\p{L}(?!\\p{L}))?', // U.S., J., p.m
    "(?<=\\p{L})'\\p{L}+", // the 's of it's
    "(?:^|(?<=\\d))'(?:[sdmt]|re|ve|ll)(?!\\p{L})", // by itself already, or the 's of 1990's
    '[\\p{L}\\p{M}\\p{N}]+',
    '\\.{2,}',
    '[^\\p{L}\\p{M}\\p{N}]',
  ];
  return new PreTokenizerSequence([
    new WhitespaceSplit(),
    new Split(regex(tokens.join('|')), 'Isolated'),
  ]);
}

/** Joins words by spaces, and takes back what the splitting put between them. */
function mosesDecoder(): Decoder {
  return new DecoderSequence([
    new WordPieceDecoder(NO_PREFIX, false),
    new Fuse(),
    new ReplaceDecoder(literal(' @-@ '), '-'),
    new ReplaceDecoder(literal(' @,@ '), ','),
    new ReplaceDecoder(literal(' @.@ '), '.'),
    new ReplaceDecoder(regex(" (?=[.,;:!?%)\\]}]|'(?:s|t|m|d|re|ve|ll)(?!\\p{L}))"), ''),
    new ReplaceDecoder(regex('(?<=[(\\[{$£]) '), ''),
  ]);
}

/** No word begins with this: the WordPiece decoder then only puts spaces between the tokens. */
const NO_PREFIX = '\u0000';
