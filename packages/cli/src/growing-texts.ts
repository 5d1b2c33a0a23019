/**
 * Prints texts while they grow: the first one piece by piece, the others after it, those that are at
 * work as far as they have come. A blank line parts them.
 */
export class GrowingTexts {
  readonly #write: (text: string) => void;
  readonly #start: string;
  readonly #waiting: string[];
  readonly #ended: boolean[];
  #shown = 0;

  /** @param start what each text begins with */
  constructor(count: number, start: string, isFirst: boolean, write: (text: string) => void) {
    this.#write = write;
    this.#start = start;
    this.#waiting = Array<string>(count).fill('');
    this.#ended = Array<boolean>(count).fill(false);
    write(isFirst ? start : `\n${start}`);
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
      this.#write(this.#shown < this.#ended.length ? `\n\n${this.#start}` : '\n');
    }
  }
}
