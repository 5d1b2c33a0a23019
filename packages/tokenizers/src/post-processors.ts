import type { PostProcessor } from './pipeline.js';
import { inserted, type Segment, type TextOf } from './segments.js';

/** A place in a template: a sequence ("A" or "B") or a special token (which may stand for several). */
export type TemplatePiece =
  | { Sequence: { id: 'A' | 'B'; type_id: number } }
  | { SpecialToken: { id: string; type_id: number } };

/** What a special token of a template stands for. */
interface TemplateToken {
  id: string;
  ids: number[];
  tokens: string[];
}

export interface Template {
  single: TemplatePiece[];
  pair: TemplatePiece[];
  special_tokens: Readonly<Record<string, TemplateToken>>;
}

/** Puts sequences and special tokens in the order that a template gives: BERT's `[CLS] A [SEP] B [SEP]`. */
export class TemplateProcessing implements PostProcessor {
  readonly json: object;

  constructor(private readonly template: Template) {
    this.json = { type: 'TemplateProcessing', ...template };
  }

  process(sequences: Segment[], addSpecialTokens: boolean, textOf: TextOf): Segment[] {
    const { single, pair, special_tokens } = this.template;
    return (sequences.length > 1 ? pair : single).flatMap((piece) => {
      if ('Sequence' in piece) {
        const { id, type_id } = piece.Sequence;
        return { ...sequences[id === 'A' ? 0 : 1]!, type: type_id };
      }
      if (!addSpecialTokens) return [];
      const { id, type_id } = piece.SpecialToken;
      const { ids, tokens } = special_tokens[id]!;
      return ids.map((tokenId, i) => inserted(tokenId, type_id, tokens[i]!, textOf));
    });
  }
}

export const A: TemplatePiece = { Sequence: { id: 'A', type_id: 0 } };
export const sequenceB = (type_id = 0): TemplatePiece => ({ Sequence: { id: 'B', type_id } });
export const special = (id: string, type_id = 0): TemplatePiece => ({
  SpecialToken: { id, type_id },
});

/** The template of a sequence; for a pair `rest` follows it. */
export function templateOf(
  single: TemplatePiece[],
  rest: TemplatePiece[],
  ids: Iterable<[token: string, id: number]>,
): Template {
  const special_tokens: Record<string, TemplateToken> = {};
  for (const [id, number] of ids) special_tokens[id] = { id, ids: [number], tokens: [id] };
  return { single, pair: [...single, ...rest], special_tokens };
}

/** `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, the second `[SEP]` and B of type 1. */
export function bertTemplate(cls: [string, number], sep: [string, number]): Template {
  return templateOf(
    [special(cls[0]), A, special(sep[0])],
    [sequenceB(1), special(sep[0], 1)],
    [cls, sep],
  );
}

/** BERT's template, as old files have it. */
export class BertProcessing extends TemplateProcessing {
  override readonly json: object;

  constructor(json: { cls: [token: string, id: number]; sep: [token: string, id: number] }) {
    super(bertTemplate(json.cls, json.sep));
    this.json = json;
  }
}
