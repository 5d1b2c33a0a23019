import type { Tokenizer } from '@multihead/tokenizers';
import { bytesOf } from '../tokens/bytes.js';
import type { Token } from './protocol.js';

/** Spells the tokens of one text, one after the other. */
export class Spelling {
  readonly #tokenizer: Tokenizer;
  readonly #text: { push(id: number): string };
  readonly #special: ReadonlySet<number>;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#text = tokenizer.decodeStream({ skipSpecialTokens: true });
    this.#special = new Set(tokenizer.specialTokenIds);
  }

  /** The next token of the text. */
  next(id: number): Token {
    const special = this.#special.has(id);
    return { id, text: this.#text.push(id), name: this.nameOf(id), special };
  }

  /** What a token is called where it stands alone: its text, or the bytes of what is not yet a character. */
  nameOf(id: number): string {
    const piece = this.#tokenizer.idToToken(id) ?? '';
    if (this.#special.has(id)) return piece;
    const text = this.#tokenizer.decode([id]);
    const bytes = text.includes('\uFFFD') ? bytesOf(piece) : undefined;
    return bytes ? `⟨${bytes.map(hex).join(' ')}⟩` : text;
  }
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
