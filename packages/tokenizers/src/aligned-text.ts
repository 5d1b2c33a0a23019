// A text being normalized and cut up that remembers, for each of its UTF-16 units, which part of the
// original it came from: the `NormalizedString` of Hugging Face's library, with UTF-16 positions.

/** The new characters, and how the position in the old text moves at each (see `rewrite`). */
export type Rewriting = (readonly [char: string, change: number])[];

type MapChar = (char: string, code: number) => string;

export class AlignedText {
  text = '';
  /** Of each unit, where in the original the character it came from begins and ends. */
  #places: number[] = [];

  /** @param origin where in the original this piece begins */
  constructor(readonly origin: number) {}

  /** A piece of the original as it is, beginning at `origin`. */
  static of(text: string, origin = 0): AlignedText {
    const made = new AlignedText(origin);
    let at = origin;
    for (const char of text) {
      made.add(char, at, at + char.length);
      at += char.length;
    }
    return made;
  }

  /** Appends a text of which every unit comes from `start` to `end` of the original. */
  add(text: string, start: number, end: number): void {
    this.text += text;
    for (let i = 0; i < text.length; i++) this.#places.push(start, end);
  }

  get length(): number {
    return this.text.length;
  }

  /** The position in the original where the piece from `start` (a unit of this text) begins. */
  start(start: number): number {
    return this.#places[2 * start]!;
  }

  /** The position in the original where the piece up to `end` (exclusive) ends. */
  end(end: number): number {
    return this.#places[2 * end - 1]!;
  }

  /** Part of the text. It begins in the original where its first unit does, or at `origin`. */
  slice(start: number, end: number, origin?: number): AlignedText {
    const part = new AlignedText(origin ?? (start < end ? this.start(start) : this.origin));
    part.text = this.text.slice(start, end);
    part.#places = this.#places.slice(2 * start, 2 * end);
    return part;
  }

  /** Puts `map(char)` in place of each character; every new character comes from the one it replaces. */
  mapChars(map: MapChar): AlignedText {
    const made = new AlignedText(this.origin);
    let at = 0;
    for (const char of this.text) {
      made.add(map(char, char.codePointAt(0)!), this.start(at), this.end(at + 1));
      at += char.length;
    }
    return made;
  }

  /**
   * Puts a new sequence of characters in place of the text. A change of 0 says that the character
   * stands for the next one of the old text, -n that it stands for that one and the n after it are
   * gone, 1 that it is inserted; an inserted character comes from where the one before it came from.
   * Then `map` does what it does in `mapChars`.
   */
  rewrite(rewriting: Rewriting, map: MapChar): AlignedText {
    const made = new AlignedText(this.origin);
    let next = 0; // the next unit of the old text
    let last = -1; // where the character before it begins
    for (const [char, change] of rewriting) {
      const from = change > 0 ? last : next;
      made.add(map(char, char.codePointAt(0)!), this.start(from) ?? 0, this.end(from + 1) ?? 0);
      for (let moves = change; moves <= 0; moves++) {
        last = next;
        next += unitsAt(this.text, next);
      }
    }
    return made;
  }
}

/** How many units the character at `at` has. */
export function unitsAt(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? 2 : 1;
}
