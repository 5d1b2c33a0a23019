import { trimOffsets } from './byte-level.js';
import type { PostProcessor } from './pipeline.js';
import { inserted, type Segment, type TextOf } from './segments.js';

export interface RobertaProcessingJson {
  sep: [token: string, id: number];
  cls: [token: string, id: number];
  trim_offsets?: boolean;
  add_prefix_space?: boolean;
}

/** `<s> A </s>` and `<s> A </s></s> B </s>`, all of type 0, with spaces left out of the offsets. */
export class RobertaProcessing implements PostProcessor {
  readonly json: Required<RobertaProcessingJson>;

  constructor(json: RobertaProcessingJson) {
    const defaults = { type: 'RobertaProcessing', trim_offsets: true, add_prefix_space: true };
    this.json = { ...defaults, ...json };
  }

  process(sequences: Segment[], addSpecialTokens: boolean, textOf: TextOf): Segment[] {
    const { cls, sep, trim_offsets, add_prefix_space } = this.json;
    const token = ([text, id]: typeof cls) =>
      addSpecialTokens ? [inserted(id, 0, text, textOf)] : [];
    return sequences.flatMap((given, i) => {
      const segment = trim_offsets ? trimOffsets(given, add_prefix_space, textOf) : given;
      return [...token(i > 0 ? sep : cls), { ...segment, type: 0 }, ...token(sep)];
    });
  }
}

/** One post-processor after the other. */
export class PostProcessorSequence implements PostProcessor {
  readonly json: object;
  readonly #processors: readonly PostProcessor[];

  constructor(json: { processors: unknown[] }, read: (json: unknown) => PostProcessor) {
    this.#processors = json.processors.map(read);
    this.json = { type: 'Sequence', processors: this.#processors.map((part) => part.json) };
  }

  process(sequences: Segment[], addSpecialTokens: boolean, textOf: TextOf): Segment[] {
    return this.#processors.reduce(
      (rows, processor) => processor.process(rows, addSpecialTokens, textOf),
      sequences,
    );
  }
}
