import { explainModel } from '../explain-model.js';
import type { Failure } from '../failure.js';

/** Why a text could not be written, in words a visitor can act on. */
export function explain(failure: Failure): { title: string; advice: string } {
  switch (failure.code) {
    case 'PROMPT_TOO_LONG':
      return {
        title: 'This beginning is too long',
        advice:
          'The model cannot read so many tokens at once. Shorten it, or choose to forget the older ' +
          'half when the context is full: then its end is read.',
      };
    case 'NON_FINITE_LOGITS':
      return {
        title: 'The model’s arithmetic overflowed',
        advice: 'Its files may have arrived damaged: reload the page.',
      };
    default:
      return explainModel(failure);
  }
}
