/**
 * Prints texts while they grow: the first one piece by piece, the others after it, those that are at
 * work as far as they have come. A blank line parts them.
 */
export class GrowingTexts {
  readonly #write: (text: string) => void;
  readonly #starts: readonly string[];
  readonly #waiting: string[];
  readonly #ended: boolean[];
  #shown = 0;

  /** @param starts what each text begins with */
  constructor(starts: readonly string[], isFirst: boolean, write: (text: string) => void) {
    this.#write = write;
    this.#starts = starts;
    this.#waiting = starts.map(() => '');
    this.#ended = starts.map(() => false);
    write(isFirst ? starts[0]! : `\n${starts[0]}`);
  }

  add(row: number, piece: string, isEnd: boolean): void {
    this.#waiting[row] += piece;
    if (isEnd) this.#ended[row] = true;
    for (;;) {
      const text = this.#waiting[this.#shown];
      if (text === undefined) return;
      this.#write(text);
      this.#waiting[this.#shown] = '';
      if (!this.#ended[this.#shown]) return;
      this.#shown++;
      const next = this.#starts[this.#shown];
      this.#write(next === undefined ? '\n' : `\n\n${next}`);
    }
  }
}
