// What kind of character a code point is, as Hugging Face's library sees it: what the engine says,
// less what is younger than the library's Unicode data (unicode-tables.ts).

const KNOWN = 0x80;

/** Flags of code points, found when they are first asked for. */
export class CharClasses {
  readonly #flags = new Uint8Array(0x110000);

  /**
   * @param rules the flag (1 to 64) of the characters that a pattern matches
   * @param younger ranges that no rule holds for: the gap since the last, then the length less one if not 0
   */
  constructor(
    private readonly rules: readonly (readonly [pattern: RegExp, flag: number])[],
    younger: string,
  ) {
    let code = 0;
    for (const range of younger.split(' ')) {
      const [gap = 0, more = 0] = range.split('-').map((digits) => Number.parseInt(digits, 36));
      this.#flags.fill(KNOWN, code + gap, code + gap + more + 1);
      code += gap + more + 1;
    }
  }

  /** The flags of a code point (with one more, the same for all). */
  of(code: number): number {
    return this.#flags[code] || this.#find(code);
  }

  /** Whether a code point has the flag. */
  has(code: number, flag: number): boolean {
    return (this.of(code) & flag) !== 0;
  }

  #find(code: number): number {
    const char = String.fromCodePoint(code);
    let flags = KNOWN;
    for (const [pattern, flag] of this.rules) if (pattern.test(char)) flags |= flag;
    this.#flags[code] = flags;
    return flags;
  }
}

/** A value that is made when it is first asked for. */
export function lazy<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => {
    value ??= make();
    return value;
  };
}

/** Unicode's White_Space, which is not JavaScript's `\s`: with U+0085, without U+FEFF. */
export const WHITE_SPACE: RegExp = /\p{White_Space}/u;

export function isWhiteSpace(code: number): boolean {
  return code < 128
    ? code === 32 || (code > 8 && code < 14)
    : WHITE_SPACE.test(String.fromCodePoint(code));
}

/** The text with U+FFFD for every lone surrogate; lengths and positions stay as they are. */
export function wellFormed(text: string): string {
  // A method of ES2024's, which is newer than the library that TypeScript is given here.
  return (text as string & { toWellFormed(): string }).toWellFormed();
}
