const EMPTY = -1;

/**
 * The tokens of a vocabulary by their UTF-16 units: finds the longest one that a text has at a
 * position, in time that grows with that token's length and not with the vocabulary. The edges are
 * in one hash table of numbers, so that neither building nor reading it makes an object.
 */
export class Trie {
  #nodes: Int32Array; // of each slot: the node an edge leaves, or EMPTY
  #units: Uint16Array; // … the unit it reads
  #targets: Int32Array; // … the node it leads to
  #mask: number;
  #edges = 0;
  #ids: number[] = [EMPTY]; // of each node: the id of the token that ends there
  /** Where `longest` ended, exclusive. */
  matchEnd = 0;

  constructor(slots = 1024) {
    this.#mask = slots - 1;
    this.#nodes = new Int32Array(slots).fill(EMPTY);
    this.#units = new Uint16Array(slots);
    this.#targets = new Int32Array(slots);
  }

  add(token: string, id: number): void {
    let node = 0;
    for (let i = 0; i < token.length; i++) {
      const unit = token.charCodeAt(i);
      const slot = this.#slot(node, unit);
      if (this.#nodes[slot] === EMPTY) {
        const target = this.#ids.push(EMPTY) - 1;
        this.#nodes[slot] = node;
        this.#units[slot] = unit;
        this.#targets[slot] = target;
        node = target;
        if (++this.#edges * 2 > this.#mask) this.#grow();
      } else {
        node = this.#targets[slot]!;
      }
    }
    this.#ids[node] = id;
  }

  /** The id of the longest token that `text` has at `start`, -1 for none; `matchEnd` is its end. */
  longest(text: string, start: number): number {
    let node = 0;
    let found = EMPTY;
    for (let i = start; i < text.length; i++) {
      const slot = this.#slot(node, text.charCodeAt(i));
      if (this.#nodes[slot] === EMPTY) break;
      node = this.#targets[slot]!;
      const id = this.#ids[node]!;
      if (id !== EMPTY) {
        found = id;
        this.matchEnd = i + 1;
      }
    }
    return found;
  }

  #slot(node: number, unit: number): number {
    let slot = Math.imul(node ^ (unit << 16) ^ unit, 0x9e3779b1);
    slot = (slot ^ (slot >>> 15)) & this.#mask;
    while (
      this.#nodes[slot] !== EMPTY &&
      (this.#nodes[slot] !== node || this.#units[slot] !== unit)
    ) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #grow(): void {
    const [nodes, units, targets] = [this.#nodes, this.#units, this.#targets];
    this.#mask = this.#mask * 2 + 1;
    this.#nodes = new Int32Array(this.#mask + 1).fill(EMPTY);
    this.#units = new Uint16Array(this.#mask + 1);
    this.#targets = new Int32Array(this.#mask + 1);
    for (let old = 0; old < nodes.length; old++) {
      if (nodes[old] === EMPTY) continue;
      const slot = this.#slot(nodes[old]!, units[old]!);
      this.#nodes[slot] = nodes[old]!;
      this.#units[slot] = units[old]!;
      this.#targets[slot] = targets[old]!;
    }
  }
}
