import { trimOffsets } from './byte-level.js';
import type { PostProcessor } from './pipeline.js';
import { A, sequenceB, special, TemplateProcessing, templateOf } from './post-processors.js';
import type { Rows, TextOf } from './rows.js';

export interface RobertaProcessingJson {
  sep: [token: string, id: number];
  cls: [token: string, id: number];
  trim_offsets?: boolean;
  add_prefix_space?: boolean;
}

/** `<s> A </s>` and `<s> A </s></s> B </s>`, all of type 0, with spaces left out of the offsets. */
export class RobertaProcessing extends TemplateProcessing {
  override readonly json: Required<RobertaProcessingJson>;

  constructor(json: RobertaProcessingJson) {
    const { sep, cls } = json;
    const end = special(sep[0]);
    super(templateOf([special(cls[0]), A, end], [end, sequenceB(), end], [cls, sep]));
    const defaults = { type: 'RobertaProcessing', trim_offsets: true, add_prefix_space: true };
    this.json = { ...defaults, ...json };
  }

  override process(sequences: Rows[], addSpecialTokens: boolean, textOf: TextOf): Rows[] {
    const { trim_offsets, add_prefix_space } = this.json;
    if (trim_offsets) for (const rows of sequences) trimOffsets(rows, add_prefix_space, textOf);
    return super.process(sequences, addSpecialTokens, textOf);
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

  process(sequences: Rows[], addSpecialTokens: boolean, textOf: TextOf): Rows[] {
    return this.#processors.reduce(
      (rows, processor) => processor.process(rows, addSpecialTokens, textOf),
      sequences,
    );
  }
}
