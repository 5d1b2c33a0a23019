import { trimOffsets } from './byte-level.js';
import { insertedRows, type Rows } from './encoding.js';
import type { Json, PostProcessor } from './pipeline.js';

/** `<s> A </s>` and `<s> A </s></s> B </s>`, all of type 0, with spaces left out of the offsets. */
export class RobertaProcessing implements PostProcessor {
  constructor(
    readonly sep: [token: string, id: number],
    readonly cls: [token: string, id: number],
    readonly trimOffsets: boolean = true,
    readonly addPrefixSpace: boolean = true,
  ) {}

  addedTokens(isPair: boolean): number {
    return isPair ? 4 : 2;
  }

  process(
    sequences: Rows[],
    addSpecialTokens: boolean,
    textOf: (id: number) => string | undefined,
  ): Rows[] {
    const rows = sequences.map((sequence) => {
      const zero = withoutTypes(sequence);
      return this.trimOffsets ? trimOffsets(zero, this, textOf) : zero;
    });
    if (!addSpecialTokens) return rows;
    const special = ([token, id]: [string, number]) => insertedRows([id], 0, [token]);
    return rows.flatMap((sequence, i) => [
      special(i === 0 ? this.cls : this.sep),
      sequence,
      special(this.sep),
    ]);
  }

  toJSON(): object {
    return {
      type: 'RobertaProcessing',
      sep: this.sep,
      cls: this.cls,
      trim_offsets: this.trimOffsets,
      add_prefix_space: this.addPrefixSpace,
    };
  }
}

/** The post-processor of a `tokenizer.json`. */
export function readRobertaProcessing(json: Json): RobertaProcessing {
  return new RobertaProcessing(
    json.sep as [string, number],
    json.cls as [string, number],
    json.trim_offsets !== false,
    json.add_prefix_space !== false,
  );
}

function withoutTypes(rows: Rows): Rows {
  return {
    ...rows,
    typeIds: rows.ids.map(() => 0),
    overflowing: rows.overflowing.map(withoutTypes),
  };
}

/** One post-processor after the other. */
export class PostProcessorSequence implements PostProcessor {
  constructor(readonly processors: readonly PostProcessor[]) {}

  addedTokens(isPair: boolean): number {
    return this.processors.reduce((sum, processor) => sum + processor.addedTokens(isPair), 0);
  }

  process(
    sequences: Rows[],
    addSpecialTokens: boolean,
    textOf: (id: number) => string | undefined,
  ): Rows[] {
    return this.processors.reduce(
      (rows, processor) => processor.process(rows, addSpecialTokens, textOf),
      sequences,
    );
  }

  toJSON(): object {
    return { type: 'Sequence', processors: this.processors };
  }
}
