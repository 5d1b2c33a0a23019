// A text being normalized and cut up that remembers, for each of its UTF-16 units, which part of the
// original it came from: the `NormalizedString` of Hugging Face's library, with UTF-16 positions.

/** One step of a rewriting: a character, and how the position in the old text moves (see `rewrite`). */
export type Change = readonly [char: string, change: number];

export class AlignedText {
  private constructor(
    readonly text: string,
    /** Where in the original the character of each unit begins … */
    private readonly starts: ArrayLike<number>,
    /** … and ends. */
    private readonly ends: ArrayLike<number>,
    /** Where in the original this piece begins. */
    readonly origin: number,
  ) {}

  /** A piece of the original as it is, beginning at `origin`. */
  static of(text: string, origin = 0): AlignedText {
    const starts = new Int32Array(text.length);
    const ends = new Int32Array(text.length);
    let at = 0;
    for (const char of text) {
      const end = at + char.length;
      starts.fill(origin + at, at, end);
      ends.fill(origin + end, at, end);
      at = end;
    }
    return new AlignedText(text, starts, ends, origin);
  }

  get length(): number {
    return this.text.length;
  }

  /** The position in the original where the piece from `start` (a unit of this text) begins. */
  start(start: number): number {
    return this.starts[start]!;
  }

  /** The position in the original where the piece up to `end` (exclusive) ends. */
  end(end: number): number {
    return this.ends[end - 1]!;
  }

  slice(start: number, end: number): AlignedText {
    if (start === 0 && end === this.length) return this;
    const origin = start < end ? this.starts[start]! : this.origin;
    return this.#part(start, end, origin);
  }

  /** Cuts off what is before `start` and after `end`, which still count as part of the original. */
  strip(start: number, end: number): AlignedText {
    return this.#part(start, end, this.origin);
  }

  /** Puts `map(char)` in place of each character; every new character comes from the one it replaces. */
  mapChars(map: (char: string, code: number) => string): AlignedText {
    const made = new Builder();
    let at = 0;
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
  rewrite(changes: Iterable<Change>): AlignedText {
    const made = new Builder();
    const firstUnits: number[] = [];
    for (let at = 0; at < this.length; at += this.text.codePointAt(at)! > 0xffff ? 2 : 1) {
      firstUnits.push(at);
    }
    let next = 0;
    for (const [char, change] of changes) {
      const from = firstUnits[change > 0 ? next - 1 : next];
      made.add(
        char,
        from === undefined ? 0 : this.starts[from]!,
        from === undefined ? 0 : this.ends[from]!,
      );
      if (change <= 0) next += 1 - change;
    }
    return this.#made(made);
  }

  /** Puts `content` before the text; it comes from where the first character came from. */
  prepend(content: string): AlignedText {
    if (this.length === 0) return this;
    const made = new Builder();
    made.add(content, this.starts[0]!, this.ends[0]!);
    made.copy(this, 0, this.length);
    return this.#made(made);
  }

  /** Puts `content` in place of each match; it comes from where the last character replaced came from. */
  replace(matches: Iterable<readonly [start: number, end: number]>, content: string): AlignedText {
    const made = new Builder();
    let done = 0;
    for (const [start, end] of matches) {
      made.copy(this, done, start);
      made.add(content, end > 0 ? this.starts[end - 1]! : 0, end > 0 ? this.ends[end - 1]! : 0);
      done = end;
    }
    if (done === 0 && made.text === '') return this;
    made.copy(this, done, this.length);
    return this.#made(made);
  }

  #part(start: number, end: number, origin: number): AlignedText {
    const part = (list: ArrayLike<number>) => Array.prototype.slice.call(list, start, end);
    return new AlignedText(this.text.slice(start, end), part(this.starts), part(this.ends), origin);
  }

  #made({ text, starts, ends }: Builder): AlignedText {
    return new AlignedText(text, starts, ends, this.origin);
  }

  /** For Builder: the text and alignment of a part. */
  copyTo(builder: Builder, start: number, end: number): void {
    builder.text += this.text.slice(start, end);
    for (let i = start; i < end; i++) {
      builder.starts.push(this.starts[i]!);
      builder.ends.push(this.ends[i]!);
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

  copy(from: AlignedText, start: number, end: number): void {
    from.copyTo(this, start, end);
  }
}
