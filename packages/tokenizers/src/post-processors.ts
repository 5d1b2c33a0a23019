import { insertedRows, type Rows } from './encoding.js';
import type { Json, PostProcessor } from './pipeline.js';

/** A place in a template: a sequence ("A" or "B") or a special token (which may stand for several). */
export type TemplatePiece =
  | { Sequence: { id: 'A' | 'B'; type_id: number } }
  | { SpecialToken: { id: string; type_id: number } };

/** What a special token of a template stands for. */
export interface TemplateToken {
  id: string;
  ids: number[];
  tokens: string[];
}

/** Puts sequences and special tokens in the order that a template gives: BERT's `[CLS] A [SEP] B [SEP]`. */
export class TemplateProcessing implements PostProcessor {
  constructor(
    readonly single: TemplatePiece[],
    readonly pair: TemplatePiece[],
    readonly specialTokens: Readonly<Record<string, TemplateToken>>,
  ) {}

  addedTokens(isPair: boolean): number {
    let count = 0;
    for (const piece of isPair ? this.pair : this.single) {
      if ('SpecialToken' in piece) count += this.specialTokens[piece.SpecialToken.id]!.ids.length;
    }
    return count;
  }

  process(sequences: Rows[], addSpecialTokens: boolean): Rows[] {
    const result: Rows[] = [];
    for (const piece of sequences.length > 1 ? this.pair : this.single) {
      if ('Sequence' in piece) {
        const rows = sequences[piece.Sequence.id === 'A' ? 0 : 1]!;
        result.push(withTypeId(rows, piece.Sequence.type_id));
      } else if (addSpecialTokens) {
        const { ids, tokens } = this.specialTokens[piece.SpecialToken.id]!;
        result.push(insertedRows([...ids], piece.SpecialToken.type_id, [...tokens]));
      }
    }
    return result;
  }

  toJSON(): object {
    return {
      type: 'TemplateProcessing',
      single: this.single,
      pair: this.pair,
      special_tokens: this.specialTokens,
    };
  }
}

export function readTemplateProcessing(json: Json): TemplateProcessing {
  return new TemplateProcessing(
    json.single as TemplatePiece[],
    json.pair as TemplatePiece[],
    json.special_tokens as Record<string, TemplateToken>,
  );
}

/** `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, the second `[SEP]` and B of type 1. */
export class BertProcessing extends TemplateProcessing {
  constructor(
    readonly sep: [token: string, id: number],
    readonly cls: [token: string, id: number],
  ) {
    const special = (token: string, type_id: number) => ({ SpecialToken: { id: token, type_id } });
    const single: TemplatePiece[] = [
      special(cls[0], 0),
      { Sequence: { id: 'A', type_id: 0 } },
      special(sep[0], 0),
    ];
    super(single, [...single, { Sequence: { id: 'B', type_id: 1 } }, special(sep[0], 1)], {
      [cls[0]]: { id: cls[0], ids: [cls[1]], tokens: [cls[0]] },
      [sep[0]]: { id: sep[0], ids: [sep[1]], tokens: [sep[0]] },
    });
  }

  override toJSON(): object {
    return { type: 'BertProcessing', sep: this.sep, cls: this.cls };
  }
}

function withTypeId(rows: Rows, typeId: number): Rows {
  return {
    ...rows,
    typeIds: rows.ids.map(() => typeId),
    overflowing: rows.overflowing.map((part) => withTypeId(part, typeId)),
  };
}
