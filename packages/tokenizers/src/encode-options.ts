import { badOption } from './errors.js';
import type { Side } from './segments.js';

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

/** What a tokenizer says where the options don't: as options, with what else its file has of padding. */
export interface EncodeDefaults extends Omit<EncodeOptions, 'pair' | 'maxLength'> {
  maxLength?: number | undefined;
  /** The length that its file pads to, if it is not that of the longest. */
  padLength?: number | undefined;
  padToken?: string | undefined;
  padTokenId?: number | undefined;
  padTypeId?: number;
  modelMaxLength?: number | undefined;
}

/** The options with what the tokenizer's own file says filled in. */
export interface EncodePlan extends EncodeDefaults {
  truncation: false | TruncationStrategy;
}

const SIDES = ['left', 'right'];
const COUNT = 'a whole number, 0 or more';
/** What each option may be. */
const ALLOWED: Record<string, readonly unknown[] | string> = {
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
export function planEncoding(
  own: EncodeDefaults,
  options: Omit<EncodeOptions, 'pair'>,
): EncodePlan {
  const given: EncodeOptions = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(ALLOWED, name)) badOption(`there is no option ${name}`);
    if (value === undefined) continue;
    const allowed = ALLOWED[name]!;
    const isCount = Number.isSafeInteger(value) && (value as number) >= 0;
    if (allowed === COUNT ? !isCount : !(allowed as readonly unknown[]).includes(value)) {
      badOption(`${name} must be ${allowed === COUNT ? '' : 'one of '}${allowed}, not ${value}`);
    }
    Object.assign(given, { [name]: value });
  }
  const { maxLength, truncation = maxLength !== undefined || own.truncation || false } = given;
  const longest = maxLength ?? own.maxLength ?? own.modelMaxLength;
  const plan: EncodeDefaults = {
    ...own,
    ...given,
    truncation: truncation === true ? own.truncation || 'longest_first' : truncation,
    maxLength: longest,
  };
  if (!plan.truncation) {
    if (given.stride) needs('stride', 'truncation');
  } else if (longest === undefined) {
    needs('truncation', 'a maxLength');
  }
  if (!plan.padding) {
    if (given.padToMultipleOf) needs('padToMultipleOf', 'padding');
  } else if (own.padTokenId === undefined) {
    needs('padding', 'a padding token');
  }
  if (given.padding) {
    plan.padLength =
      given.padding === 'max_length'
        ? (maxLength ?? own.padLength ?? longest ?? needs("padding: 'max_length'", 'a maxLength'))
        : undefined;
  }
  return plan as EncodePlan;
}

function needs(option: string, what: string): never {
  return badOption(`${option} needs ${what}`);
}
