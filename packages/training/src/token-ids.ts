import { TrainingError } from './errors.js';

/**
 * Ids of a text as int32. What is no whole number would quietly become another token there (NaN the first of
 * the vocabulary); whether the model has such an id, it says itself.
 *
 * @throws TrainingError `BAD_OPTION` for the first that is none
 */
export function tokenIds(name: string, ids: ArrayLike<number>): Int32Array {
  const whole = Int32Array.from(ids);
  const at = whole.findIndex((id, i) => id !== ids[i]);
  if (at < 0) return whole;
  throw new TrainingError('BAD_OPTION', `${name}[${at}] is ${ids[at]}, which is no token's id.`);
}
