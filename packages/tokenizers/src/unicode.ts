import { NEWER_NORMALIZATION, WHITE_SPACE } from './unicode-tables.js';

/** One byte of flags for each code point. */
export type Classes = Uint8Array;

/** Sets `flag` for every code point of the packed ranges (see unicode-tables.ts). */
export function classes(...tables: [packed: string, flag: number][]): Classes {
  const flags = new Uint8Array(0x110000);
  for (const [packed, flag] of tables) {
    let code = 0;
    for (const range of packed.split(' ')) {
      const [gap, more] = range.split('-');
      code += Number.parseInt(gap!, 36);
      const end = code + (more === undefined ? 0 : Number.parseInt(more, 36));
      while (code <= end) flags[code++]! |= flag;
    }
  }
  return flags;
}

/** A table that is built when it is first asked for. */
export function lazy<T>(build: () => T): () => T {
  let value: T | undefined;
  return () => {
    value ??= build();
    return value;
  };
}

const SPACE = 1;
const NEWER = 2;
const spaces = /* @__PURE__ */ lazy(() =>
  classes([WHITE_SPACE, SPACE], [NEWER_NORMALIZATION, NEWER]),
);

/** Unicode's White_Space, which is not JavaScript's `\s`: with U+0085, without U+FEFF. */
export function isWhiteSpace(code: number): boolean {
  return (spaces()[code]! & SPACE) !== 0;
}

/** Whether the engine's normalization data for this character is younger than the reference's. */
export function isNewerThanReference(code: number): boolean {
  return (spaces()[code]! & NEWER) !== 0;
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** The text with U+FFFD for every lone surrogate; lengths and positions stay as they are. */
export function wellFormed(text: string): string {
  return /[\uD800-\uDFFF]/.test(text) ? text.replace(LONE_SURROGATE, '\uFFFD') : text;
}
