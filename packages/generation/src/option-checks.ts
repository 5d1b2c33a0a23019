import { GenerationError } from './errors.js';
import type { GenerateOptions, GenerationConfig } from './options.js';

/** What a value must be. */
interface Check {
  ok: (value: unknown) => boolean;
  says: string;
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isIds = (value: unknown): boolean => Array.isArray(value) && value.every(isWhole);

const whole = (least: number): Check => ({
  ok: (value) => isWhole(value) && (value as number) >= least,
  says: `a whole number from ${least} up`,
});
const number = (says: string, ok: (value: number) => boolean): Check => ({
  ok: (value) => isNumber(value) && ok(value),
  says: `a number ${says}`,
});
const positive = number('above 0', (x) => x > 0 && x < Number.POSITIVE_INFINITY);
const share = number('from 0 to 1', (x) => x >= 0 && x <= 1);
const finite = number('that is finite', Number.isFinite);
const yesOrNo: Check = { ok: (value) => typeof value === 'boolean', says: 'true or false' };
const id: Check = { ok: isWhole, says: 'a token id' };
const ids: Check = { ok: isIds, says: 'a list of token ids' };
const idOrIds: Check = {
  ok: (value) => isWhole(value) || isIds(value),
  says: 'a token id or a list of them',
};
const oneOf = (...values: unknown[]): Check => ({
  ok: (value) => values.includes(value),
  says: `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`,
});
const isFilled = (value: unknown): boolean =>
  isIds(value) && (value as readonly unknown[]).length > 0;

const CONFIG_CHECKS: Record<keyof GenerationConfig, Check> = {
  maxNewTokens: whole(1),
  maxLength: whole(1),
  minNewTokens: whole(0),
  minLength: whole(0),
  eosTokenId: idOrIds,
  padTokenId: id,
  bosTokenId: id,
  stopStrings: {
    ok: (value) => [value].flat().every((text) => typeof text === 'string' && text !== ''),
    says: 'a text or a list of texts, none of them empty',
  },
  doSample: yesOrNo,
  temperature: positive,
  topK: whole(0),
  topP: share,
  minP: share,
  typicalP: number('above 0 and up to 1', (x) => x > 0 && x <= 1),
  topH: number('above 0 and up to 1', (x) => x > 0 && x <= 1),
  epsilonCutoff: number('from 0 to below 1', (x) => x >= 0 && x < 1),
  etaCutoff: number('from 0 to below 1', (x) => x >= 0 && x < 1),
  repetitionPenalty: positive,
  noRepeatNgramSize: whole(0),
  badWordsIds: {
    ok: (value) => Array.isArray(value) && value.length > 0 && value.every(isFilled),
    says: 'a list of lists of token ids, none of them empty',
  },
  sequenceBias: {
    ok: (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((pair) => Array.isArray(pair) && isFilled(pair[0]) && isBias(pair[1])),
    says: 'a list of pairs, each a list of token ids and a number',
  },
  forcedBosTokenId: id,
  forcedEosTokenId: idOrIds,
  suppressTokens: ids,
  beginSuppressTokens: ids,
  exponentialDecayLengthPenalty: {
    ok: (value) =>
      Array.isArray(value) && value.length === 2 && isWhole(value[0]) && positive.ok(value[1]),
    says: 'a pair: a number of tokens and a factor above 0',
  },
  removeInvalidValues: yesOrNo,
  renormalizeLogits: yesOrNo,
  numBeams: whole(1),
  lengthPenalty: finite,
  earlyStopping: oneOf(true, false, 'never'),
  numBeamGroups: whole(1),
  diversityPenalty: number('from 0 up', (x) => x >= 0 && x < Number.POSITIVE_INFINITY),
  penaltyAlpha: share,
  numReturnSequences: whole(1),
  outputScores: yesOrNo,
  outputLogits: yesOrNo,
};

const CHECKS: Record<keyof GenerateOptions, Check> = {
  ...CONFIG_CHECKS,
  generationConfig: { ok: (value) => typeof value === 'object', says: 'a generation config' },
  seed: { ok: Number.isSafeInteger, says: 'a whole number' },
  outputLogProbabilities: yesOrNo,
  onContextFull: oneOf('stop', 'slide', 'error'),
  tokenizer: {
    ok: (value) => typeof (value as { decode?: unknown } | null)?.decode === 'function',
    says: 'a tokenizer',
  },
  skipSpecialTokens: yesOrNo,
  logitsProcessors: {
    ok: (value) => Array.isArray(value) && value.every((item) => typeof item === 'function'),
    says: 'a list of functions',
  },
  signal: {
    ok: (value) => typeof (value as { aborted?: unknown } | null)?.aborted === 'boolean',
    says: 'an AbortSignal',
  },
};

function isBias(value: unknown): boolean {
  return isNumber(value) && !Number.isNaN(value) && value < Number.POSITIVE_INFINITY;
}

/** The options a `generation_config.json` may set. */
export const CONFIG_NAMES = Object.keys(CONFIG_CHECKS) as (keyof GenerationConfig)[];

/** @throws GenerationError `BAD_OPTION` for a name there is none of, or a value that means nothing */
export function checkOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof GenerateOptions] : undefined;
    if (check === undefined) {
      throw new GenerationError('BAD_OPTION', `There is no option ${name}.`);
    }
    if (value === undefined || check.ok(value)) continue;
    const hint =
      name === 'temperature' && value === 0 ? ' For the most probable token, doSample: false.' : '';
    throw new GenerationError(
      'BAD_OPTION',
      `${name} is ${show(value)}; it must be ${check.says}.${hint}`,
    );
  }
}

const show = (value: unknown): string =>
  (typeof value === 'object' ? JSON.stringify(value) : undefined) ?? String(value);
