import {
  badWords,
  forcedAt,
  type LogitsProcessor,
  lengthDecay,
  minimumLength,
  noRepeatNgrams,
  removeInvalidValues,
  renormalize,
  repetitionPenalty,
  sequenceBias,
  suppressed,
} from './logits-processors.js';
import type { Settings } from './settings.js';
import {
  epsilonCutoff,
  etaCutoff,
  minP,
  temperature,
  topH,
  topK,
  topP,
  typicalP,
} from './warpers.js';

/**
 * What happens to scores between model and choice, in the order of Hugging Face's `generate`.
 *
 * @param extra a processor of the search itself, which comes where the reference has it
 */
export function logitsProcessors(
  settings: Settings,
  promptLength: number,
  extra?: LogitsProcessor,
): LogitsProcessor[] {
  const { eos, minLength, maxLength } = settings;
  const list: LogitsProcessor[] = [];
  const add = <T>(value: T | undefined, make: (value: T) => LogitsProcessor, neutral?: T) => {
    if (value !== undefined && value !== neutral) list.push(make(value));
  };
  add(settings.sequenceBias, sequenceBias);
  if (extra) list.push(extra);
  add(settings.repetitionPenalty, repetitionPenalty, 1);
  add(settings.noRepeatNgramSize, noRepeatNgrams, 0);
  add(settings.badWordsIds, (words) => badWords(words, eos));
  if (minLength > promptLength) list.push(minimumLength(minLength, eos));
  add(settings.forcedBosTokenId, (id) => forcedAt(1, [id]));
  add(settings.forcedEosTokenId, (ids) => forcedAt(maxLength - 1, [ids].flat()));
  if (settings.removeInvalidValues) list.push(removeInvalidValues);
  add(settings.exponentialDecayLengthPenalty, ([start, factor]) =>
    lengthDecay(promptLength + start, factor, eos),
  );
  add(settings.suppressTokens, (ids) => suppressed(ids));
  const first =
    promptLength + (promptLength === 1 && settings.forcedBosTokenId !== undefined ? 1 : 0);
  add(settings.beginSuppressTokens, (ids) => suppressed(ids, first));
  list.push(...(settings.logitsProcessors ?? []));
  if (settings.doSample) list.push(...samplingWarpers(settings));
  if (settings.renormalizeLogits) list.push(renormalize);
  return list;
}

/** The processors that only drawing has. Beams want enough tokens to go on with beside the end tokens. */
function samplingWarpers(settings: Settings): LogitsProcessor[] {
  const atLeast = settings.numBeams > 1 ? Math.max(2, settings.eos.length + 1) : 1;
  const list: LogitsProcessor[] = [];
  const add = (
    value: number | undefined,
    make: (value: number, atLeast: number) => LogitsProcessor,
    neutral?: number,
  ) => {
    if (value !== undefined && value !== neutral) list.push(make(value, atLeast));
  };
  add(settings.temperature, temperature, 1);
  add(settings.topH, topH);
  add(settings.topK ?? 50, topK, 0);
  add(settings.topP, topP, 1);
  add(settings.minP, minP);
  add(settings.typicalP, typicalP, 1);
  add(settings.epsilonCutoff, epsilonCutoff, 0);
  add(settings.etaCutoff, etaCutoff, 0);
  return list;
}

/** The scores after all processors, on a copy. */
export function processed(
  logits: Float32Array,
  ids: readonly number[],
  processors: readonly LogitsProcessor[],
): Float32Array {
  if (processors.length === 0) return logits;
  const scores = Float32Array.from(logits);
  for (const process of processors) process(scores, ids);
  return scores;
}
