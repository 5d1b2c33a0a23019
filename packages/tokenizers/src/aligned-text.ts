// A text being normalized and cut up that remembers, for each of its UTF-16 units, which part of the
// original it came from: the `NormalizedString` of Hugging Face's library, with UTF-16 positions.

/** A rewriting: the new characters, and how the position in the old text moves at each (see `rewrite`). */
export interface Rewriting {
  chars: string[];
  changes: number[];
}

export class AlignedText {
  private constructor(
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
    const starts = new Int32Array(text.length);
    const ends = new Int32Array(text.length);
    for (let at = 0; at < text.length; ) {
      const end = at + (text.codePointAt(at)! > 0xffff ? 2 : 1);
      starts[at] = starts[end - 1] = origin + at;
      ends[at] = ends[end - 1] = origin + end;
      at = end;
    }
    return new AlignedText(text, starts, ends, 0, origin);
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

  slice(start: number, end: number): AlignedText {
    return this.#part(start, end, start < end ? this.start(start) : this.origin);
  }

  /** Cuts off what is before `start` and after `end`, which still count as part of the original. */
  strip(start: number, end: number): AlignedText {
    return this.#part(start, end, this.origin);
  }

  /** Puts `map(char)` in place of each character; every new character comes from the one it replaces. */
  mapChars(map: (char: string, code: number) => string): AlignedText {
    const made = new Builder();
    let at = this.base;
    for (const char of this.text) {
      made.add(map(char, char.codePointAt(0)!), this.starts[at]!, this.ends[at]!);
      at += char.length;
    }
    return this.#made(made);
  }

  /**
   * Puts a new sequence of characters in place of the text. A change of 0 says that the character
   * stands for the next one of the old text, -n that it stands for that one and the n after it are
   * gone, 1 that it is inserted; an inserted character comes from where the one before it came from.
   */
  rewrite({ chars, changes }: Rewriting): AlignedText {
    const { text, base } = this;
    const made = new Builder();
    let next = 0; // the next unit of the old text
    let last = -1; // where the character before it begins
    for (let i = 0; i < chars.length; i++) {
      const change = changes[i]!;
      const from = change > 0 ? last : next;
      const known = from >= 0;
      made.add(
        chars[i]!,
        known ? this.starts[base + from]! : 0,
        known ? this.ends[base + from]! : 0,
      );
      for (let moves = change; moves <= 0; moves++) {
        last = next;
        next += text.codePointAt(next)! > 0xffff ? 2 : 1;
      }
    }
    return this.#made(made);
  }

  /** Puts `content` before the text; it comes from where the first character came from. */
  prepend(content: string): AlignedText {
    if (this.length === 0) return this;
    const made = new Builder();
    made.add(content, this.start(0), this.end(1));
    this.#copy(made, 0, this.length);
    return this.#made(made);
  }

  /** Puts `content` in place of each match; it comes from where the last character replaced came from. */
  replace(matches: Iterable<readonly [start: number, end: number]>, content: string): AlignedText {
    const made = new Builder();
    let done = 0;
    let isSame = true;
    for (const [start, end] of matches) {
      this.#copy(made, done, start);
      made.add(content, end > 0 ? this.start(end - 1) : 0, end > 0 ? this.end(end) : 0);
      done = end;
      isSame = false;
    }
    if (isSame) return this;
    this.#copy(made, done, this.length);
    return this.#made(made);
  }

  #part(start: number, end: number, origin: number): AlignedText {
    const { text, starts, ends, base } = this;
    return new AlignedText(text.slice(start, end), starts, ends, base + start, origin);
  }

  #made({ text, starts, ends }: Builder): AlignedText {
    return new AlignedText(text, starts, ends, 0, this.origin);
  }

  #copy(made: Builder, start: number, end: number): void {
    made.text += this.text.slice(start, end);
    for (let i = this.base + start; i < this.base + end; i++) {
      made.starts.push(this.starts[i]!);
      made.ends.push(this.ends[i]!);
    }
  }
}

class Builder {
  text = '';
  starts: number[] = [];
  ends: number[] = [];

  add(text: string, start: number, end: number): void {
    this.text += text;
    for (let i = 0; i < text.length; i++) {
      this.starts.push(start);
      this.ends.push(end);
    }
  }
}
