import { ModelError } from './errors.js';

/**
 * Seeded randomness that is the same on every machine. `Math.log` and `Math.cos` may differ in the
 * last bit between engines, so only additions, multiplications and square roots are used: IEEE 754
 * fixes those.
 */

/** Scrambles 32 bits so that every input bit reaches every output bit. */
function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x21f0aaad);
  h ^= h >>> 15;
  h = Math.imul(h, 0x735a2d97);
  return h ^ (h >>> 15);
}

/** The counter-based generator of `dropout`: 32 random bits for element `index` under `seed`. */
export function hash(seed: number, index: number): number {
  return mix((Math.imul(index, 0x9e3779b1) + seed) | 0);
}

/**
 * A generator of the "small fast counting" family (sfc32, PractRand). The same seed and stream give
 * the same numbers everywhere; different streams of one seed are independent:
 *
 * ```ts
 * new Random(42, 'dropout', step)
 * ```
 */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  /** @throws ModelError `BAD_INPUT` for a seed or stream number that is not a whole number */
  constructor(seed: number, ...stream: (number | string)[]) {
    for (const part of [seed, ...stream]) {
      if (typeof part === 'string') {
        for (let i = 0; i < part.length; i++) this.#absorb(part.charCodeAt(i));
        this.#absorb(-1 - part.length); // an end that no number and no other length has
      } else {
        if (!Number.isSafeInteger(part)) {
          throw new ModelError('BAD_INPUT', `A seed is a whole number, not ${part}.`);
        }
        this.#absorb(part | 0);
        this.#absorb(Math.floor(part / 2 ** 32));
      }
    }
  }

  /** Takes 32 bits into the state and mixes until every bit of it depends on them. */
  #absorb(word: number): void {
    this.#a ^= word;
    for (let i = 0; i < 12; i++) this.int32();
  }

  /** 32 random bits, as a signed integer. */
  int32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.int32() >>> 5) * 67108864 + (this.int32() >>> 6)) / 9007199254740992;
  }

  /**
   * A whole number in [0, end), without bias.
   *
   * @throws ModelError `BAD_INPUT` where `end` is not a whole number from 1 to 2^32
   */
  below(end: number): number {
    if (!(Number.isSafeInteger(end) && end > 0 && end <= 2 ** 32)) {
      throw new ModelError(
        'BAD_INPUT',
        `Random.below takes a whole number from 1 to 2^32, not ${end}.`,
      );
    }
    const limit = 2 ** 32 - (2 ** 32 % end);
    let bits = this.int32() >>> 0;
    while (bits >= limit) bits = this.int32() >>> 0;
    return bits % end;
  }

  /** Standard normal, by the polar method (Marsaglia & Bray 1964). */
  normal(): number {
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * log(s)) / s);
    }
  }

  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    return items;
  }
}

/** Natural logarithm of x in (0, 1], by arithmetic alone: x = m·2^e, ln m = 2·artanh((m−1)/(m+1)). */
export function log(x: number): number {
  let exponent = 0;
  while (x < Math.SQRT1_2) {
    x *= 2;
    exponent--;
  }
  const t = (x - 1) / (x + 1);
  const t2 = t * t;
  let sum = 0;
  for (let k = 21; k >= 1; k -= 2) sum = sum * t2 + 1 / k;
  return exponent * Math.LN2 + 2 * t * sum;
}
