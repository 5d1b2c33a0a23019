import { type MetaspaceJson, metaspaceJson } from './metaspace.js';
import { Pattern, type Translate } from './pattern.js';
import type { Decoder } from './pipeline.js';

/** Joins the tokens of classic BPE: the suffix that ends a word becomes a space, but for the last. */
export class BpeDecoder implements Decoder {
  readonly json: { suffix: string };

  constructor(json: { suffix?: string } = {}) {
    this.json = { type: 'BPEDecoder', suffix: '</w>', ...json } as typeof this.json;
  }

  decode(tokens: string[]): string[] {
    return tokens.map((token, i) =>
      token.replaceAll(this.json.suffix, i === tokens.length - 1 ? '' : ' '),
    );
  }
}

/** Makes spaces of Metaspace's character; that before the first token goes. */
export class MetaspaceDecoder implements Decoder {
  readonly json: MetaspaceJson;

  constructor(json: Partial<MetaspaceJson> = {}) {
    this.json = metaspaceJson(json);
  }

  decode(tokens: string[]): string[] {
    const { replacement, prepend_scheme } = this.json;
    return tokens.map((token, i) =>
      token.replaceAll(replacement, i === 0 && prepend_scheme !== 'never' ? '' : ' '),
    );
  }
}

/** Makes one token of all. */
export class Fuse implements Decoder {
  readonly json: object = { type: 'Fuse' };

  decode(tokens: string[]): string[] {
    return [tokens.join('')];
  }
}

/** Takes up to so many of a character off the ends of each token. */
export class StripDecoder implements Decoder {
  constructor(readonly json: { content: string; start: number; stop: number }) {}

  decode(tokens: string[]): string[] {
    const { content, start, stop } = this.json;
    return tokens.map((token) => {
      const chars = [...token];
      let from = 0;
      while (from < start && chars[from] === content) from++;
      let to = chars.length;
      while (chars.length - to < stop && to > from && chars[to - 1] === content) to--;
      return chars.slice(from, to).join('');
    });
  }
}

/** Puts a text in the place of every match in each token. */
export class ReplaceDecoder implements Decoder {
  readonly #pattern: Pattern;

  constructor(
    readonly json: { pattern: unknown; content: string },
    _read: unknown,
    translate: Translate | undefined,
  ) {
    this.#pattern = new Pattern(json.pattern, translate);
  }

  decode(tokens: string[]): string[] {
    return tokens.map((token) =>
      this.#pattern
        .parts(token)
        .map(([start, end, isMatch]) => (isMatch ? this.json.content : token.slice(start, end)))
        .join(''),
    );
  }
}

/** Makes text of tokens that spell bytes, `<0x00>` to `<0xFF>`; each byte that is no UTF-8 becomes U+FFFD. */
export class ByteFallback implements Decoder {
  readonly json: object = { type: 'ByteFallback' };

  decode(tokens: string[]): string[] {
    const result: string[] = [];
    let bytes: number[] = [];
    const flush = () => {
      if (bytes.length === 0) return;
      try {
        const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
        result.push(decoder.decode(new Uint8Array(bytes)));
      } catch {
        result.push(...bytes.map(() => '\uFFFD'));
      }
      bytes = [];
    };
    for (const token of tokens) {
      const byte = /^<0x([0-9a-fA-F]{2})>$/.exec(token)?.[1];
      if (byte !== undefined) {
        bytes.push(Number.parseInt(byte, 16));
      } else {
        flush();
        result.push(token);
      }
    }
    flush();
    return result;
  }
}

/** One decoder after the other. */
export class DecoderSequence implements Decoder {
  readonly json: object;
  readonly #decoders: readonly Decoder[];

  constructor(json: { decoders: unknown[] }, read: (json: unknown) => Decoder) {
    this.#decoders = json.decoders.map(read);
    this.json = { type: 'Sequence', decoders: this.#decoders.map((part) => part.json) };
  }

  decode(tokens: string[]): string[] {
    return this.#decoders.reduce((parts, next) => next.decode(parts), tokens);
  }
}
