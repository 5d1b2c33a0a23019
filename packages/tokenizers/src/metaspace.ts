import type { AlignedText } from './aligned-text.js';
import { prepended, replaced } from './edit-text.js';
import { Pattern, splitPiece } from './pattern.js';
import type { PreTokenizer } from './pipeline.js';

export interface MetaspaceJson {
  /** What stands for a space (default `▁`). */
  replacement: string;
  /** When it is put before a text that begins without it (default 'always'). */
  prepend_scheme: 'always' | 'first' | 'never';
  /** As pre-tokenizer: cut before it (default true). */
  split: boolean;
}

export function metaspaceJson({
  add_prefix_space, // what old files have
  ...json
}: Partial<MetaspaceJson> & { add_prefix_space?: boolean }): MetaspaceJson {
  const prepend_scheme = add_prefix_space === false ? 'never' : 'always';
  const defaults = { type: 'Metaspace', replacement: '▁', prepend_scheme, split: true } as const;
  return { ...defaults, ...json };
}

/** Puts a visible character in the place of spaces, and cuts before it (SentencePiece's `▁`). */
export class Metaspace implements PreTokenizer {
  readonly json: MetaspaceJson;

  constructor(json: Partial<MetaspaceJson> = {}) {
    this.json = metaspaceJson(json);
  }

  split(pieces: AlignedText[]): AlignedText[] {
    const { replacement, prepend_scheme, split } = this.json;
    const space = new Pattern(' ');
    const mark = new Pattern(replacement);
    return pieces.flatMap((piece) => {
      let text = replaced(piece, space.matches(piece.text), replacement);
      const prepends =
        prepend_scheme === 'always' || (prepend_scheme === 'first' && piece.origin === 0);
      if (prepends && !text.text.startsWith(replacement)) text = prepended(text, replacement);
      return split ? splitPiece(text, mark.parts(text.text), 'MergedWithNext') : [text];
    });
  }
}
