import { badOption } from './errors.js';
import {
  countOf,
  type Pad,
  padRows,
  type Rows,
  type Side,
  type TextOf,
  truncateRows,
} from './rows.js';

/** A text, or one that is already cut into words. */
export type TextInput = string | readonly string[];

export type TruncationStrategy = 'longest_first' | 'only_first' | 'only_second';

export interface EncodeOptions {
  /** A second text: the other sentence, or the passage to a question. */
  pair?: TextInput | undefined;
  /** Put in what the model wants around a text, like `[CLS]` and `[SEP]` (default true). */
  addSpecialTokens?: boolean;
  /**
   * What is cut off if there are more than `maxLength` tokens: the longer sequence (true is that too),
   * the first or the second; false cuts nothing off. By default what the tokenizer's file says, or
   * 'longest_first' where `maxLength` is given.
   */
  truncation?: boolean | TruncationStrategy;
  /** The most tokens, special ones included; by default the model's. */
  maxLength?: number;
  /** With truncation: how many tokens each overflowing part shares with the one before it (default 0). */
  stride?: number;
  /** With truncation: give what was cut off as `encoding.overflowing` (default false). */
  returnOverflowing?: boolean;
  /** Pad to the longest of the batch (true is that too) or to `maxLength`; by default what the file says. */
  padding?: boolean | 'longest' | 'max_length';
  /** With padding: make the length a multiple of this. */
  padToMultipleOf?: number;
  /** With padding: on which side (default right). */
  paddingSide?: Side;
  /** With truncation: on which side (default right). */
  truncationSide?: Side;
}

/** Truncation as a `tokenizer.json` has it. */
export interface TruncationSettings {
  maxLength: number;
  strategy: TruncationStrategy;
  stride: number;
  side: Side;
}

/** Padding as a `tokenizer.json` has it; without a `length`, to the longest. */
export interface PaddingSettings extends Pad {
  length: number | undefined;
  /** 0 for any length. */
  toMultipleOf: number;
}

/** What a tokenizer says where the options don't. */
export interface EncodeDefaults {
  truncation?: TruncationSettings | undefined;
  padding?: PaddingSettings | undefined;
  padToken?: string | undefined;
  padTokenId?: number | undefined;
  modelMaxLength?: number | undefined;
}

/** The options with their defaults filled in. */
export interface EncodePlan {
  addSpecialTokens: boolean;
  truncation?: TruncationSettings | undefined;
  padding?: PaddingSettings | undefined;
  returnOverflowing?: boolean;
}

const SIDES = ['left', 'right'];
const COUNT = 'a whole number, 0 or more';
/** What each option may be. */
const ALLOWED: Record<keyof EncodeOptions, readonly unknown[] | string | undefined> = {
  pair: undefined,
  addSpecialTokens: [true, false],
  truncation: [true, false, 'longest_first', 'only_first', 'only_second'],
  maxLength: COUNT,
  stride: COUNT,
  returnOverflowing: [true, false],
  padding: [true, false, 'longest', 'max_length'],
  padToMultipleOf: COUNT,
  paddingSide: SIDES,
  truncationSide: SIDES,
};

/** Checks the options and fills in what the tokenizer's own file says. */
export function planEncoding(defaults: EncodeDefaults, options: EncodeOptions): EncodePlan {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(ALLOWED, name)) badOption(`there is no option ${name}`);
    const allowed = ALLOWED[name as keyof EncodeOptions];
    const isGood =
      allowed === COUNT
        ? Number.isSafeInteger(value) && value >= 0
        : (allowed?.includes(value) ?? true);
    if (value !== undefined && !isGood) {
      badOption(`${name} must be ${allowed === COUNT ? '' : 'one of '}${allowed}, not ${value}`);
    }
  }
  return {
    addSpecialTokens: options.addSpecialTokens ?? true,
    truncation: planTruncation(defaults, options),
    padding: planPadding(defaults, options),
    returnOverflowing: options.returnOverflowing ?? false,
  };
}

function planTruncation(
  { truncation: own, modelMaxLength }: EncodeDefaults,
  { truncation, maxLength, stride, truncationSide }: EncodeOptions,
): TruncationSettings | undefined {
  if (!(truncation ?? (maxLength !== undefined || own))) {
    if (stride) needs('stride', 'truncation');
    return undefined;
  }
  return {
    maxLength: maxLength ?? own?.maxLength ?? modelMaxLength ?? needs('truncation', 'a maxLength'),
    strategy: typeof truncation === 'string' ? truncation : (own?.strategy ?? 'longest_first'),
    stride: stride ?? own?.stride ?? 0,
    side: truncationSide ?? own?.side ?? 'right',
  };
}

function planPadding(
  { padding: own, truncation, padToken, padTokenId, modelMaxLength }: EncodeDefaults,
  { padding, maxLength, padToMultipleOf, paddingSide }: EncodeOptions,
): PaddingSettings | undefined {
  if (!(padding ?? own)) {
    if (padToMultipleOf) needs('padToMultipleOf', 'padding');
    return undefined;
  }
  const most = () =>
    maxLength ??
    own?.length ??
    truncation?.maxLength ??
    modelMaxLength ??
    needs("padding: 'max_length'", 'a maxLength');
  return {
    id: own?.id ?? padTokenId ?? needs('padding', 'a padding token'),
    token: own?.token ?? padToken!,
    typeId: own?.typeId ?? 0,
    side: paddingSide ?? own?.side ?? 'right',
    toMultipleOf: padToMultipleOf ?? own?.toMultipleOf ?? 0,
    length: padding === 'max_length' ? most() : padding ? undefined : own?.length,
  };
}

function needs(option: string, what: string): never {
  return badOption(`${option} needs ${what}, which neither the options nor the tokenizer have`);
}

/** Truncates one sequence or two so that they and `added` special tokens are at most `maxLength`. */
export function truncateToFit(
  sequences: Rows[],
  { maxLength, strategy, stride, side }: TruncationSettings,
  added: number,
): Rows[] {
  const most = maxLength - added;
  if (most < 0) badOption(`maxLength ${maxLength} leaves no room for the ${added} special tokens`);
  const [first = 0, second = 0] = sequences.map(countOf);
  const excess = first + second - most;
  if (excess <= 0) return sequences;
  let lengths = shareLength(first, second, most);
  if (strategy !== 'longest_first' && most > 0) {
    lengths = strategy === 'only_first' ? [first - excess, second] : [first, second - excess];
    if (lengths[strategy === 'only_first' ? 0 : 1]! <= 0) {
      badOption(
        `truncation: '${strategy}' cannot reach maxLength ${maxLength}: what it leaves whole is too long`,
      );
    }
  }
  return sequences.map((rows, i) => truncateRows(rows, lengths[i]!, stride, side));
}

/** Makes all rows as long as the padding says. */
export function padToFit(
  rows: Rows[],
  padding: PaddingSettings | undefined,
  textOf: TextOf,
): Rows[] {
  if (padding === undefined) return rows;
  const longest = () => rows.reduce((most, row) => Math.max(most, countOf(row)), 0);
  const multiple = Math.max(padding.toMultipleOf, 1);
  const length = Math.ceil((padding.length ?? longest()) / multiple) * multiple;
  return rows.map((row) => padRows(row, length, padding, textOf));
}

/** Takes tokens off the longer of two, until both have the same length or fit. */
function shareLength(first: number, second: number, most: number): [number, number] {
  const shorter = Math.min(first, second);
  let low = shorter;
  let high = shorter > most ? shorter : Math.max(shorter, most - shorter);
  if (low + high > most) {
    low = Math.floor(most / 2);
    high = low + (most % 2);
  }
  return first > second ? [high, low] : [low, high];
}
