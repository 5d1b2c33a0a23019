import type { CausalModel, SpecialTokens } from '@multihead/nn';
import { GenerationError } from './errors.js';
import { checkOptions } from './option-checks.js';
import type { GenerateOptions, GenerationConfig } from './options.js';
import type { Prompts } from './prompts.js';

/** Options as they are in force: defaults filled in, checked against each other and the model. */
export interface Settings extends Readonly<Omit<GenerateOptions, 'stopStrings'>>, SpecialTokens {
  readonly stopStrings: readonly string[];
  readonly doSample: boolean;
  readonly numBeams: number;
  readonly numBeamGroups: number;
  readonly numReturnSequences: number;
  readonly onContextFull: 'stop' | 'slide' | 'error';
  readonly seed: number;
  /** Tokens of a row at most, the prompt's included; unbounded until the prompts are known. */
  readonly maxLength: number;
  /** No end token comes before the row has so many. */
  readonly minLength: number;
}

/** What drawing tokens reads, what beams read, and the values that change nothing. */
const SAMPLING = {
  temperature: [1],
  topK: [0, 50],
  topP: [1],
  minP: [0],
  typicalP: [1],
  topH: [],
  epsilonCutoff: [0],
  etaCutoff: [0],
};
const BEAMS = {
  lengthPenalty: [1],
  earlyStopping: [false],
  numBeamGroups: [1],
  diversityPenalty: [0],
};

/** @throws GenerationError `BAD_OPTION`, `CONTRADICTION`, `UNKNOWN_TOKEN` */
export function readSettings(model: CausalModel, options: GenerateOptions): Settings {
  checkOptions(options);
  checkOptions(options.generationConfig ?? {});
  const merged = merge(options);
  checkTokens(merged, model.vocabSize);
  const { specialTokens } = model;
  const settings: Settings = {
    ...merged,
    eos: merged.eosTokenId === undefined ? specialTokens.eos : [merged.eosTokenId].flat(),
    pad: merged.padTokenId ?? specialTokens.pad,
    bos: merged.bosTokenId ?? specialTokens.bos,
    stopStrings: [merged.stopStrings ?? []].flat(),
    doSample: merged.doSample ?? false,
    numBeams: merged.numBeams ?? 1,
    numBeamGroups: merged.numBeamGroups ?? 1,
    numReturnSequences: merged.numReturnSequences ?? 1,
    onContextFull: merged.onContextFull ?? 'stop',
    seed: merged.seed ?? Math.floor(Math.random() * 2 ** 32),
    maxLength: merged.maxLength ?? Number.POSITIVE_INFINITY,
    minLength: merged.minLength ?? 0,
  };
  checkTogether(settings, merged);
  return settings;
}

/** The options over the defaults they came with, less the defaults that they leave without effect. */
function merge({ generationConfig, ...given }: GenerateOptions): GenerateOptions {
  const defaults: GenerationConfig = { ...generationConfig };
  const isGiven = (name: keyof GenerationConfig) => given[name] !== undefined;
  const drop = (names: string[]) => {
    for (const name of names) delete defaults[name as keyof GenerationConfig];
  };
  if (isGiven('maxNewTokens') || isGiven('maxLength')) drop(['maxNewTokens', 'maxLength']);
  if (isGiven('minNewTokens') || isGiven('minLength')) drop(['minNewTokens', 'minLength']);
  const alpha = given.penaltyAlpha ?? defaults.penaltyAlpha;
  if (!(given.doSample ?? defaults.doSample)) {
    drop(Object.keys(SAMPLING).filter((name) => !(alpha && name === 'topK')));
  }
  if ((given.numBeams ?? defaults.numBeams ?? 1) === 1) drop(Object.keys(BEAMS));
  const own = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(own) };
}

/** @throws GenerationError `UNKNOWN_TOKEN` */
function checkTokens(options: GenerateOptions, vocabSize: number): void {
  const named: Partial<Record<keyof GenerateOptions, unknown>> = {
    eosTokenId: options.eosTokenId,
    padTokenId: options.padTokenId,
    bosTokenId: options.bosTokenId,
    badWordsIds: options.badWordsIds,
    sequenceBias: options.sequenceBias?.map(([ids]) => ids),
    forcedBosTokenId: options.forcedBosTokenId,
    forcedEosTokenId: options.forcedEosTokenId,
    suppressTokens: options.suppressTokens,
    beginSuppressTokens: options.beginSuppressTokens,
  };
  for (const [name, value] of Object.entries(named)) {
    const ids = [value ?? []].flat(3) as number[];
    const unknown = ids.find((id) => id >= vocabSize);
    if (unknown === undefined) continue;
    throw new GenerationError(
      'UNKNOWN_TOKEN',
      `${name} has the token ${unknown}, but the model's vocabulary ends at ${vocabSize - 1}.`,
    );
  }
}

/** @throws GenerationError `CONTRADICTION` */
function checkTogether(settings: Settings, options: GenerateOptions): void {
  const { doSample, numBeams, numBeamGroups, numReturnSequences, penaltyAlpha } = settings;
  const refuse = (isWrong: boolean | undefined, message: string) => {
    if (isWrong) throw new GenerationError('CONTRADICTION', message);
  };
  const both = (a: keyof GenerateOptions, b: keyof GenerateOptions) =>
    refuse(
      options[a] !== undefined && options[b] !== undefined,
      `${a} and ${b} say the same thing twice; give one of them.`,
    );
  const idle = (table: Record<string, unknown[]>, wants: string, except?: string) => {
    for (const [name, neutral] of Object.entries(table)) {
      const value = options[name as keyof GenerateOptions];
      const isIdle = value !== undefined && !neutral.includes(value) && name !== except;
      refuse(isIdle, `${name} has no effect without ${wants}.`);
    }
  };
  both('maxNewTokens', 'maxLength');
  both('minNewTokens', 'minLength');
  const isContrastive = penaltyAlpha !== undefined && penaltyAlpha > 0;
  if (!doSample) idle(SAMPLING, 'doSample: true', isContrastive ? 'topK' : undefined);
  if (numBeams === 1) idle(BEAMS, 'numBeams above 1');
  refuse(
    isContrastive && (doSample || numBeams > 1 || (options.topK ?? 0) < 2),
    'penaltyAlpha is for contrastive search: it wants topK of 2 or more, and neither doSample nor beams.',
  );
  refuse(
    numReturnSequences > 1 && !doSample && numBeams === 1,
    `Without doSample or beams there is one text, not numReturnSequences: ${numReturnSequences}.`,
  );
  refuse(
    numReturnSequences > numBeams && numBeams > 1,
    `numReturnSequences is ${numReturnSequences}, but numBeams is ${numBeams}: there are no more texts than beams.`,
  );
  refuse(
    numBeams % numBeamGroups !== 0,
    `numBeams is ${numBeams}, which ${numBeamGroups} groups (numBeamGroups) cannot share evenly.`,
  );
  refuse(
    numBeamGroups > 1 && doSample,
    'numBeamGroups is for beams that are chosen, not drawn (doSample).',
  );
  refuse(
    numBeamGroups > 1 !== (options.diversityPenalty ?? 0) > 0,
    'Groups of beams want numBeamGroups above 1 and diversityPenalty above 0, both.',
  );
  refuse(
    settings.stopStrings.length > 0 && settings.tokenizer === undefined,
    'stopStrings are looked for in text: give the tokenizer too.',
  );
}

/**
 * The settings with the lengths that the prompts leave.
 *
 * @throws GenerationError `PROMPT_TOO_LONG`, `CONTRADICTION`
 */
export function withPrompts(
  settings: Settings,
  { length, padding }: Prompts,
  { contextLength = Number.POSITIVE_INFINITY }: CausalModel,
): Settings {
  const { maxNewTokens, minNewTokens, forcedBosTokenId, onContextFull } = settings;
  // Contrastive search reads a token before it decides for it.
  const longest = length - Math.min(...padding) + (settings.penaltyAlpha ? 1 : 0);
  if (longest > contextLength && onContextFull !== 'slide') {
    throw new GenerationError(
      'PROMPT_TOO_LONG',
      `A prompt takes ${longest} tokens, and the model's context is ${contextLength}. Shorten it, or use its end with onContextFull: 'slide'.`,
    );
  }
  const isBounded = settings.maxLength < Number.POSITIVE_INFINITY;
  const maxLength = isBounded ? settings.maxLength : length + (maxNewTokens ?? 20);
  if (length >= maxLength) {
    throw new GenerationError(
      'PROMPT_TOO_LONG',
      `The prompt has ${length} tokens (padding included), and maxLength ${maxLength} leaves room for none more. Raise it, or say maxNewTokens.`,
    );
  }
  const minLength = minNewTokens === undefined ? settings.minLength : length + minNewTokens;
  if (minLength > maxLength) {
    throw new GenerationError(
      'CONTRADICTION',
      `A text cannot have ${minLength} tokens at least and ${maxLength} at most (prompt included).`,
    );
  }
  if (forcedBosTokenId !== undefined && length > 1) {
    throw new GenerationError(
      'CONTRADICTION',
      `forcedBosTokenId is what follows a prompt of one token; this one has ${length}.`,
    );
  }
  return { ...settings, maxLength, minLength };
}
