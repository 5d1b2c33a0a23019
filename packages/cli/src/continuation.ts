import type { FinishReason } from '@multihead/generation';
import type { DecodeStream, Tokenizer } from '@multihead/tokenizers';

/** A token as `--json` shows it. */
interface ShownToken {
  id: number;
  token: string;
  /** By the model itself, whatever the options made of it. */
  probability: number;
}

/** What goes on from a prompt, as it grows. */
export class Continuation {
  readonly tokens: ShownToken[] = [];
  text = '';
  /** `interrupted`: by Ctrl-C, as long as nothing else has ended it. */
  finishReason: FinishReason | 'interrupted' = 'interrupted';
  /** Of a beam search. */
  score: number | undefined;
  readonly #tokenizer: Tokenizer;
  readonly #decoder: DecodeStream;

  constructor(tokenizer: Tokenizer, prompt: Iterable<number>) {
    this.#tokenizer = tokenizer;
    this.#decoder = tokenizer.decodeStream({ skipSpecialTokens: true });
    // Whether a space comes first depends on what went before.
    for (const id of prompt) this.#decoder.push(id);
  }

  /** Takes a token, and gives the text that is certain now. */
  add(id: number, logProbability = 0, finishReason?: FinishReason): string {
    const token = this.#tokenizer.idToToken(id)!;
    this.tokens.push({ id, token, probability: Math.exp(logProbability) });
    const piece = this.#decoder.push(id);
    this.text += piece;
    if (finishReason === undefined) return piece;
    this.finishReason = finishReason;
    return piece + this.end();
  }

  /** Gives the text that was not certain, now that nothing more comes. */
  end(): string {
    const rest = this.#decoder.end();
    this.text += rest;
    return rest;
  }

  toJSON(): object {
    const { text, finishReason, score, tokens } = this;
    return { text, finishReason, ...(score !== undefined && { score }), tokens };
  }
}
