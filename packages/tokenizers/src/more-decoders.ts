import type { Pattern } from './pattern.js';
import type { Decoder } from './pipeline.js';

/** Joins the tokens of classic BPE: the suffix that ends a word becomes a space, but for the last. */
export class BpeDecoder implements Decoder {
  constructor(readonly suffix: string = '</w>') {}

  decode(tokens: string[]): string[] {
    return tokens.map((token, i) =>
      token.replaceAll(this.suffix, i === tokens.length - 1 ? '' : ' '),
    );
  }

  toJSON(): object {
    return { type: 'BPEDecoder', suffix: this.suffix };
  }
}

/** Makes spaces of Metaspace's character; that before the first token goes. */
export class MetaspaceDecoder implements Decoder {
  constructor(
    readonly replacement: string = '▁',
    readonly prependScheme: 'always' | 'first' | 'never' = 'always',
    readonly cut: boolean = true,
  ) {}

  decode(tokens: string[]): string[] {
    return tokens.map((token, i) =>
      token.replaceAll(this.replacement, i === 0 && this.prependScheme !== 'never' ? '' : ' '),
    );
  }

  toJSON(): object {
    return {
      type: 'Metaspace',
      replacement: this.replacement,
      prepend_scheme: this.prependScheme,
      split: this.cut,
    };
  }
}

/** Makes one token of all. */
export class Fuse implements Decoder {
  decode(tokens: string[]): string[] {
    return [tokens.join('')];
  }

  toJSON(): object {
    return { type: 'Fuse' };
  }
}

/** Takes up to so many of a character off the ends of each token. */
export class StripDecoder implements Decoder {
  constructor(
    readonly content: string,
    readonly start: number,
    readonly stop: number,
  ) {}

  decode(tokens: string[]): string[] {
    return tokens.map((token) => {
      const chars = [...token];
      let from = 0;
      while (from < this.start && chars[from] === this.content) from++;
      let to = chars.length;
      while (chars.length - to < this.stop && to > from && chars[to - 1] === this.content) to--;
      return chars.slice(from, to).join('');
    });
  }

  toJSON(): object {
    return { type: 'Strip', content: this.content, start: this.start, stop: this.stop };
  }
}

/** Puts a text in the place of every match in each token. */
export class ReplaceDecoder implements Decoder {
  constructor(
    readonly pattern: Pattern,
    readonly content: string,
  ) {}

  decode(tokens: string[]): string[] {
    return tokens.map((token) => {
      const parts = this.pattern.parts(token);
      return parts
        .map(([start, end, isMatch]) => (isMatch ? this.content : token.slice(start, end)))
        .join('');
    });
  }

  toJSON(): object {
    return { type: 'Replace', pattern: this.pattern.json, content: this.content };
  }
}

/** Makes text of tokens that spell bytes, `<0x00>` to `<0xFF>`; each byte that is no UTF-8 becomes U+FFFD. */
export class ByteFallback implements Decoder {
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

  toJSON(): object {
    return { type: 'ByteFallback' };
  }
}

/** One decoder after the other. */
export class DecoderSequence implements Decoder {
  constructor(readonly decoders: readonly Decoder[]) {}

  decode(tokens: string[]): string[] {
    return this.decoders.reduce((parts, next) => next.decode(parts), tokens);
  }

  toJSON(): object {
    return { type: 'Sequence', decoders: this.decoders };
  }
}
