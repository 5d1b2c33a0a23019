/** Text that later tokens may still change: half a character, or the mark of a hyphen or point. */
const UNFINISHED = /\uFFFD$| @[-,.]@$/;

/**
 * Makes text of ids as they come, as a model generates them. What is given out, put together, is
 * `decode` of all the ids; a character whose bytes are in several tokens comes with the last of them.
 */
export class DecodeStream {
  readonly #decode: (ids: readonly number[]) => string;
  #ids: number[] = []; // since before the last text that was given out
  #given = ''; // what of their text was given out
  #givenCount = 0; // by how many of them

  /** @param decode the text of ids */
  constructor(decode: (ids: readonly number[]) => string) {
    this.#decode = decode;
  }

  /** Takes an id, and gives the text that is certain now: often a word, at times nothing. */
  push(id: number): string {
    this.#ids.push(id);
    const text = this.#decode(this.#ids);
    if (text.length <= this.#given.length || UNFINISHED.test(text)) return '';
    const found = text.slice(this.#given.length);
    // The tokens of this text stay, because what follows may depend on what it follows.
    this.#ids.splice(0, this.#givenCount);
    this.#given = this.#decode(this.#ids);
    this.#givenCount = this.#ids.length;
    return found;
  }

  /** Gives what was held back, U+FFFD for bytes that are no character, and starts anew. */
  end(): string {
    const rest = this.#decode(this.#ids).slice(this.#given.length);
    this.#ids = [];
    this.#given = '';
    this.#givenCount = 0;
    return rest;
  }
}
