const NONE = -1;
const UNITS = 0x10000;

/**
 * The tokens of a vocabulary by their UTF-16 units: finds the longest one that a text has at a
 * position, in time that grows with that token's length and not with the vocabulary.
 */
export class Trie {
  readonly #edges = new Map<number, number>(); // by node * UNITS + unit: the node it leads to
  readonly #ids: number[] = [NONE]; // by node: the id of the token that ends there
  /** Where `longest` ended, exclusive. */
  matchEnd = 0;

  add(token: string, id: number): void {
    let node = 0;
    for (let i = 0; i < token.length; i++) {
      const edge = node * UNITS + token.charCodeAt(i);
      node = this.#edges.get(edge) ?? this.#ids.push(NONE) - 1;
      this.#edges.set(edge, node);
    }
    this.#ids[node] = id;
  }

  /** The node where all tokens go on that begin with `prefix`, if there are any. */
  after(prefix: string): number | undefined {
    let node: number | undefined = 0;
    for (let i = 0; i < prefix.length && node !== undefined; i++) {
      node = this.#edges.get(node * UNITS + prefix.charCodeAt(i));
    }
    return node;
  }

  /** The id of the longest token from `node` on that `text` has at `start`, -1 for none; `matchEnd` is its end. */
  longest(text: string, start: number, from: number | undefined): number {
    let node = from;
    let found = NONE;
    for (let at = start; node !== undefined && at < text.length; ) {
      node = this.#edges.get(node * UNITS + text.charCodeAt(at++));
      const id = node === undefined ? NONE : this.#ids[node]!;
      if (id !== NONE) {
        found = id;
        this.matchEnd = at;
      }
    }
    return found;
  }
}
