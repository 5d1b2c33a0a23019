import type { Change } from './gains.js';
import type { Race, Runner } from './protocol.js';

/** How surprising a token is: 0, hardly, to 4, greatly. */
export function degreeOf(bits: number): number {
  return BOUNDS.filter((bound) => bits >= bound).length;
}

const BOUNDS = [2, 5, 8, 11];

/** What each degree stands for. */
export const degrees = ['under 2 bits', '2 to 5', '5 to 8', '8 to 11', '11 and more'];

/** How a token's surprise turned: 0, much less, over 2, hardly, to 4, much more. */
export function turnOf(change: number): number {
  return TURNS.filter((bound) => change >= bound).length;
}

const TURNS = [-3, -0.5, 0.5, 3];

/** What each turn stands for. */
export const turns = ['−3 and less', '−3 to −0.5', 'hardly', '+0.5 to +3', '+3 and more'];

/** A change with its sign. */
export function signed(change: number): string {
  const size = Math.abs(change).toFixed(1);
  return size === '0.0' ? '±0.0' : `${change < 0 ? '−' : '+'}${size}`;
}

export function tokens(count: number): string {
  return `${count.toLocaleString('en')} token${count === 1 ? '' : 's'}`;
}

/** Why memory may have changed what a token costs. */
export function reasonOf({ why }: Change): string {
  switch (why.reason) {
    case 'came-back':
      return `it stood ${tokens(why.distance)} before, where only memory reaches`;
    case 'few-before':
      return why.count === 0
        ? 'nothing stands before it'
        : `near the start of its segment: without memory the model saw ${tokens(why.count)}`;
    case 'other':
      return 'from what else is remembered';
  }
}

/** Tokens a second. */
export function speedOf({ measured, milliseconds }: Runner): number {
  return milliseconds === 0 ? 0 : (measured * 1000) / milliseconds;
}

/** How many times as fast memory is; undefined before both were timed. */
export function ratioOf({ memory, window }: Race): number | undefined {
  if (memory.milliseconds === 0 || window.milliseconds === 0) return undefined;
  return speedOf(memory) / speedOf(window);
}

/** e to the mean loss of what was foretold. */
export function perplexityOf({ nats, done }: Runner): number {
  return Math.exp(nats / done);
}

/** A figure with as many digits as can be read while it changes. */
export function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(2);
}
