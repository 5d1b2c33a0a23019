import type { Run } from './use-writer.js';

/** How probable a token was: 0, hardly a surprise, to 4, a great one. */
export function surprise(probability: number): number {
  return BOUNDS.filter((bound) => probability < bound).length;
}

const BOUNDS = [0.5, 0.2, 0.05, 0.01];

/** What each degree of surprise stands for. */
export const degrees = ['50 % and more', '20 % and more', '5 % and more', '1 % and more', 'less'];

/** A token as a label: what would not be seen has a sign. */
export function labelOf(name: string): string {
  const seen = name.replaceAll('\n', '↵').replaceAll('\t', '→').trim();
  return seen === '' ? '␣' : seen;
}

/** How far a text is, or why it ended. */
export function stateOf(run: Run, contextLength: number): string {
  const count = run.tokens.filter((token) => token.choice).length;
  if (run.state === 'writing') return 'Writing …';
  switch (run.reason) {
    case 'length':
      return `Done: ${tokens(count)} written.`;
    case 'eos':
      return `The model ended its text after ${tokens(count)}.`;
    case 'context':
      return (
        `The context is full after ${tokens(count)}: the model reads ${contextLength} at most, so ` +
        'it had to stop. Let it forget the older half, and it can write on.'
      );
    case 'stopped':
      return `Stopped after ${tokens(count)}.`;
    default:
      return 'This text was not finished.';
  }
}

export function tokens(count: number): string {
  return `${count.toLocaleString('en')} token${count === 1 ? '' : 's'}`;
}
