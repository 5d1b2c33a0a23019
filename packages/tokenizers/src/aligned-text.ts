// A text being normalized and cut up that remembers, for each of its UTF-16 units, which part of the
// original it came from: the `NormalizedString` of Hugging Face's library, with UTF-16 positions.

/** A rewriting: the new characters, and how the position in the old text moves at each (see `rewrite`). */
export interface Rewriting {
  chars: string[];
  changes: number[];
}

export class AlignedText {
  constructor(
    readonly text: string,
    /** Where in the original the character of each unit begins … */
    private readonly starts: ArrayLike<number>,
    /** … and ends; this text's first unit is at `base` in both. */
    private readonly ends: ArrayLike<number>,
    private readonly base: number,
    /** Where in the original this piece begins. */
    readonly origin: number,
  ) {}

  /** A piece of the original as it is, beginning at `origin`. */
  static of(text: string, origin = 0): AlignedText {
    const made = new Builder();
    let at = origin;
    for (const char of text) {
      made.add(char, at, at + char.length);
      at += char.length;
    }
    return made.text(origin);
  }

  get length(): number {
    return this.text.length;
  }

  /** The position in the original where the piece from `start` (a unit of this text) begins. */
  start(start: number): number {
    return this.starts[this.base + start]!;
  }

  /** The position in the original where the piece up to `end` (exclusive) ends. */
  end(end: number): number {
    return this.ends[this.base + end - 1]!;
  }

  /** Part of the text. It begins in the original where its first unit does, or at `origin`. */
  slice(start: number, end: number, origin?: number): AlignedText {
    const { text, starts, ends, base } = this;
    const begin = origin ?? (start < end ? this.start(start) : this.origin);
    return new AlignedText(text.slice(start, end), starts, ends, base + start, begin);
  }

  /** Puts `map(char)` in place of each character; every new character comes from the one it replaces. */
  mapChars(map: (char: string, code: number) => string): AlignedText {
    const made = new Builder();
    let at = 0;
    for (const char of this.text) {
      made.add(map(char, char.codePointAt(0)!), this.start(at), this.end(at + 1));
      at += char.length;
    }
    return made.text(this.origin);
  }

  /**
   * Puts a new sequence of characters in place of the text. A change of 0 says that the character
   * stands for the next one of the old text, -n that it stands for that one and the n after it are
   * gone, 1 that it is inserted; an inserted character comes from where the one before it came from.
   */
  rewrite({ chars, changes }: Rewriting): AlignedText {
    const made = new Builder();
    let next = 0; // the next unit of the old text
    let last = -1; // where the character before it begins
    chars.forEach((char, i) => {
      const from = changes[i]! > 0 ? last : next;
      const known = from >= 0;
      made.add(char, known ? this.start(from) : 0, known ? this.end(from + 1) : 0);
      for (let moves = changes[i]!; moves <= 0; moves++) {
        last = next;
        next += unitsAt(this.text, next);
      }
    });
    return made.text(this.origin);
  }
}

/** Puts a text together. */
export class Builder {
  #text = '';
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Appends a text of which every unit comes from `start` to `end` of the original. */
  add(text: string, start: number, end: number): void {
    this.#text += text;
    for (let i = 0; i < text.length; i++) {
      this.#starts.push(start);
      this.#ends.push(end);
    }
  }

  text(origin: number): AlignedText {
    return new AlignedText(this.#text, this.#starts, this.#ends, 0, origin);
  }
}

/** How many units the character at `at` has. */
export function unitsAt(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? 2 : 1;
}
