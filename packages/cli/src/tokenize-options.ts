import type { EncodeOptions, TruncationStrategy } from '@multihead/tokenizers';
import { CliError } from './errors.js';
import { given } from './options.js';

export interface TokenizeOptions {
  model: string;
  lowercase: boolean;
  file?: string[];
  pair?: string;
  pairFile?: string;
  words?: boolean;
  inline?: boolean;
  ids?: boolean;
  count?: boolean;
  decode?: boolean;
  all?: boolean;
  json?: boolean;
  threads?: number;
  specialTokens: boolean;
  maxLength?: number;
  truncation?: TruncationStrategy | 'none';
  truncationSide?: 'left' | 'right';
  overflow?: boolean;
  stride?: number;
  padding?: 'longest' | 'max_length';
  paddingSide?: 'left' | 'right';
  padToMultipleOf?: number;
  batchSize?: number;
  skipSpecialTokens?: boolean;
  cleanUp?: boolean;
}

/** What `encodeBatch` takes. */
export type BatchOptions = Omit<EncodeOptions, 'pair'>;

/** Refuses options that need others, and gives those for encoding; without them nothing is cut or padded. */
export function checkTokenizeOptions(
  texts: readonly string[],
  options: TokenizeOptions,
): BatchOptions {
  const { file = [], pair, pairFile, truncation, maxLength, padding } = options;
  const { ids, count, decode, overflow } = options;
  const places = [...(texts.length > 0 ? texts : file.length > 0 ? [] : ['-']), ...file];
  const fromInput = [...places, pairFile].filter((place) => place === '-').length;
  if (fromInput > 1) usage('Standard input can be read only once.');
  if (texts.length === 0 && file.length === 0 && process.stdin.isTTY) {
    usage('Give texts, or --file, or pipe texts in.');
  }
  if (decode && texts.length > 1 && texts.includes('-')) {
    usage('With --decode give either ids or -, which reads them from standard input.');
  }
  const hasPair = pair !== undefined || pairFile !== undefined;
  const truncates = truncation === undefined ? maxLength !== undefined : truncation !== 'none';
  const needs = (name: string, value: unknown, isThere: unknown, what: string) => {
    if (value !== undefined && !isThere) usage(`${name} needs ${what}.`);
  };
  needs('--skip-special-tokens', options.skipSpecialTokens, decode, '--decode');
  needs('--clean-up', options.cleanUp, decode, '--decode');
  needs('--threads', options.threads, ids || count, '--ids or --count');
  if (options.threads !== undefined && overflow) usage('--overflow works without --threads only.');
  if (truncation === 'only_second')
    needs('--truncation only_second', truncation, hasPair, 'a pair');
  needs('--truncation-side', options.truncationSide, truncates, '--max-length or --truncation');
  needs('--overflow', overflow, truncates, '--max-length or --truncation');
  needs('--stride', options.stride, overflow, '--overflow, in which parts share tokens');
  needs('--padding-side', options.paddingSide, padding, '--padding');
  needs('--pad-to-multiple-of', options.padToMultipleOf, padding, '--padding');
  needs('--batch-size', options.batchSize, padding === 'longest', '--padding longest');
  if (truncation === 'none' && maxLength !== undefined && padding !== 'max_length') {
    usage(
      '--max-length means nothing with --truncation none, unless --padding max_length is given.',
    );
  }
  return {
    addSpecialTokens: options.specialTokens,
    truncation: !truncates ? false : truncation === undefined ? true : named(truncation),
    padding: padding ?? false,
    returnOverflowing: overflow ?? false,
    ...given({
      maxLength,
      stride: options.stride,
      truncationSide: options.truncationSide,
      paddingSide: options.paddingSide,
      padToMultipleOf: options.padToMultipleOf,
    }),
  };
}

function named(truncation: TruncationStrategy | 'none'): TruncationStrategy | false {
  return truncation === 'none' ? false : truncation;
}

function usage(message: string): never {
  throw new CliError('USAGE', message);
}
