import {
  GPT2Tokenizer,
  OpenAIGPTTokenizer,
  type Tokenizer,
  type TrainingProgress,
  trainBpe,
  trainClassicBpe,
  trainWordLevel,
  trainWordPiece,
} from '@multihead/tokenizers';
import type { Command } from 'commander';
import { CliError } from './errors.js';
import { given } from './options.js';

export const tokenizerTypes = ['wordpiece', 'bpe', 'classic-bpe', 'word-level'] as const;
type TokenizerType = (typeof tokenizerTypes)[number];

/** Options of the trainers of all types. */
export interface TrainerOptions {
  type: TokenizerType;
  vocabSize: number;
  minFrequency?: number;
  specialTokens?: string[];
  maxLength?: number;
  initialAlphabet?: string;
  limitAlphabet?: number;
  maxTokenLength?: number;
  lowercase?: boolean;
  stripAccents?: boolean;
  chineseChars: boolean;
  addPrefixSpace?: boolean;
  addEos?: boolean;
  unkToken?: string;
  padToken?: string;
  clsToken?: string;
  sepToken?: string;
  maskToken?: string;
  eosToken?: string;
}

/** The vocabulary files of each type, beside tokenizer.json. */
export const fileNames: Record<TokenizerType, readonly string[]> = {
  wordpiece: ['vocab.txt'],
  bpe: ['vocab.json', 'merges.txt'],
  'classic-bpe': ['vocab.json', 'merges.txt'],
  'word-level': ['vocab.txt'],
};

/** The types that have an option; those not named here are of every type. */
const TYPES_OF: { [option in keyof TrainerOptions]?: readonly TokenizerType[] } = {
  initialAlphabet: ['wordpiece', 'classic-bpe'],
  limitAlphabet: ['wordpiece', 'classic-bpe'],
  maxTokenLength: ['bpe', 'classic-bpe'],
  lowercase: ['wordpiece', 'word-level'],
  stripAccents: ['wordpiece'],
  chineseChars: ['wordpiece'],
  addPrefixSpace: ['bpe'],
  addEos: ['word-level'],
  unkToken: ['wordpiece', 'word-level'],
  padToken: ['wordpiece'],
  clsToken: ['wordpiece'],
  sepToken: ['wordpiece'],
  maskToken: ['wordpiece'],
  eosToken: ['word-level'],
};

/** Why, where it is not plain. */
const REASONS: { [option in keyof TrainerOptions]?: Partial<Record<TokenizerType, string>> } = {
  lowercase: {
    'classic-bpe': 'classic BPE is of lowered words',
    bpe: 'byte-level BPE takes text as it is',
  },
  initialAlphabet: { bpe: 'its alphabet is the 256 bytes' },
  limitAlphabet: { bpe: 'its alphabet is the 256 bytes' },
  unkToken: {
    bpe: 'nothing is unknown to it; the first of --special-tokens ends a text',
    'classic-bpe': 'the first of --special-tokens is that',
  },
};

/** @throws CliError `USAGE` for an option that the type does not have */
export function checkTrainerOptions(options: TrainerOptions, command: Command): void {
  const { type, vocabSize } = options;
  for (const [name, types] of Object.entries(TYPES_OF)) {
    if (types.includes(type) || command.getOptionValueSource(name) !== 'cli') continue;
    const isNegated = options[name as keyof TrainerOptions] === false;
    const flag = command.options.find(
      (option) => option.attributeName() === name && option.negate === isNegated,
    );
    const reason = REASONS[name as keyof TrainerOptions]?.[type];
    usage(
      `${flag?.long} is not for --type ${type}${reason === undefined ? '' : ` (${reason})`}, ` +
        `but for ${types.join(' and ')}.`,
    );
  }
  const special = specialTokensOf(options);
  const twice = special.find((token, i) => special.indexOf(token) !== i);
  if (twice !== undefined) usage(`The special token ${twice} is there twice.`);
  if (special.includes('')) usage('A special token cannot be empty.');
  const missing = rolesOf(options).find((token) => !special.includes(token));
  if (missing !== undefined)
    usage(`--special-tokens lacks ${missing}, which --type ${type} needs.`);
  const least = special.length + (type === 'bpe' ? 256 : 1);
  if (vocabSize < least) {
    usage(
      `--vocab-size ${vocabSize} is too small: special tokens` +
        `${type === 'bpe' ? ' and the 256 bytes' : ' and one more'} are ${least}.`,
    );
  }
}

/** The special tokens in the order of their ids. */
function specialTokensOf(options: TrainerOptions): string[] {
  const { type, specialTokens } = options;
  if (specialTokens !== undefined) return specialTokens;
  if (type === 'bpe') return ['<|endoftext|>'];
  if (type === 'classic-bpe') return ['<unk>'];
  return rolesOf({ ...options, addEos: true });
}

/** The special tokens that the tokenizer cannot do without. */
function rolesOf(options: TrainerOptions): string[] {
  const { type, unkToken, eosToken = '<eos>', padToken, clsToken, sepToken, maskToken } = options;
  if (type === 'word-level') return [unkToken ?? '<unk>', ...(options.addEos ? [eosToken] : [])];
  if (type !== 'wordpiece') return [];
  return [
    padToken ?? '[PAD]',
    unkToken ?? '[UNK]',
    clsToken ?? '[CLS]',
    sepToken ?? '[SEP]',
    maskToken ?? '[MASK]',
  ];
}

interface Watch {
  onProgress: (progress: TrainingProgress) => void;
  signal: AbortSignal;
}

type Train = (texts: AsyncIterable<string>, watch: Watch) => Promise<Tokenizer>;

/** The trainer of the type, with its options. */
export function trainerOf(options: TrainerOptions): Train {
  const { type, vocabSize, minFrequency, initialAlphabet, limitAlphabet, maxTokenLength } = options;
  const { maxLength: modelMaxLength, unkToken, addPrefixSpace, addEos } = options;
  const common = { specialTokens: specialTokensOf(options), ...given({ vocabSize, minFrequency }) };
  const alphabet = given({ initialAlphabet, limitAlphabet });
  if (type === 'wordpiece') {
    const { padToken, clsToken, sepToken, maskToken, stripAccents } = options;
    const pieces = {
      ...{ ...common, ...alphabet },
      doLowerCase: options.lowercase ?? true,
      stripAccents: stripAccents ?? null,
      tokenizeChineseChars: options.chineseChars,
      ...given({ modelMaxLength, unkToken, padToken, clsToken, sepToken, maskToken }),
    };
    return (texts, watch) => trainWordPiece(texts, { ...pieces, ...watch });
  }
  if (type === 'word-level') {
    const { lowercase: lowerCase, eosToken } = options;
    const words = {
      ...common,
      ...given({ lowerCase, addEos, modelMaxLength, unkToken, eosToken }),
    };
    return (texts, watch) => trainWordLevel(texts, { ...words, ...watch });
  }
  const merges = { ...common, ...given({ maxTokenLength }) };
  if (type === 'bpe') {
    return async (texts, watch) => {
      const { parts } = await trainBpe(texts, {
        ...merges,
        ...given({ addPrefixSpace }),
        ...watch,
      });
      return new GPT2Tokenizer({ ...parts, modelMaxLength });
    };
  }
  return async (texts, watch) => {
    const { parts } = await trainClassicBpe(texts, { ...merges, ...alphabet, ...watch });
    return new OpenAIGPTTokenizer({ ...parts, modelMaxLength });
  };
}

function usage(message: string): never {
  throw new CliError('USAGE', message);
}
