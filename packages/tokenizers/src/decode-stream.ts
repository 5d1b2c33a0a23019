/** Text that later tokens may still change: half a character, or the mark of a hyphen or point. */
const UNFINISHED = /\uFFFD$| @[-,.]@$/;

/**
 * Makes text of ids as they come, as a model generates them. What is given out, put together, is
 * `decode` of all the ids; a character whose bytes are in several tokens comes with the last of them.
 */
export interface DecodeStream {
  /** Takes an id, and gives the text that is certain now: often a word, at times nothing. */
  push(id: number): string;
  /** Gives what was held back, U+FFFD for bytes that are no character, and starts anew. */
  end(): string;
}

/** @param decode the text of ids */
export function decodeStream(decode: (ids: readonly number[]) => string): DecodeStream {
  let ids: number[] = []; // since before the last text that was given out
  let given = ''; // what of their text was given out
  let givenCount = 0; // by how many of them
  return {
    push(id) {
      ids.push(id);
      const text = decode(ids);
      if (text.length <= given.length || UNFINISHED.test(text)) return '';
      const found = text.slice(given.length);
      // The tokens of this text stay, because what follows may depend on what it follows.
      ids = ids.slice(givenCount);
      given = decode(ids);
      givenCount = ids.length;
      return found;
    },
    end() {
      const rest = decode(ids).slice(given.length);
      ids = [];
      given = '';
      givenCount = 0;
      return rest;
    },
  };
}
