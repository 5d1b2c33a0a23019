import type { FromPretrainedOptions, PretrainedSource } from '@multihead/nn';
import { BareModel } from './bare-model.js';
import { bareModelKeys } from './checkpoint-keys.js';
import { DoubleHeadsModel } from './double-heads.js';
import { GPT2Config } from './gpt2-config.js';
import { LMHeadModel } from './lm-head.js';
import { load } from './pretrained.js';
import { SequenceClassifier } from './sequence-classifier.js';
import { QuestionAnswerer, TokenClassifier } from './token-heads.js';

type Options = FromPretrainedOptions;

/** The bare GPT-2 (Radford et al. 2019): hidden states. */
export class GPT2Model extends BareModel<GPT2Config> {
  protected override readonly architecture = 'GPT2Model';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(source: PretrainedSource, options?: Options): Promise<GPT2Model> {
    return load({ config: GPT2Config, model: GPT2Model }, source, options, () => bareModelKeys);
  }
}

/** GPT-2 with a head that says which token comes next; what generates. */
export class GPT2LMHeadModel extends LMHeadModel<GPT2Config> {
  protected override readonly architecture = 'GPT2LMHeadModel';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(source: PretrainedSource, options?: Options): Promise<GPT2LMHeadModel> {
    return load({ config: GPT2Config, model: GPT2LMHeadModel }, source, options);
  }
}

/** GPT-2 with a head for the next token and one that picks among texts. */
export class GPT2DoubleHeadsModel extends DoubleHeadsModel<GPT2Config> {
  protected override readonly architecture = 'GPT2DoubleHeadsModel';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options?: Options,
  ): Promise<GPT2DoubleHeadsModel> {
    return load({ config: GPT2Config, model: GPT2DoubleHeadsModel }, source, options);
  }
}

/** GPT-2 that classifies texts by their last token. */
export class GPT2ForSequenceClassification extends SequenceClassifier<GPT2Config> {
  protected override readonly architecture = 'GPT2ForSequenceClassification';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options?: Options,
  ): Promise<GPT2ForSequenceClassification> {
    return load({ config: GPT2Config, model: GPT2ForSequenceClassification }, source, options);
  }
}

/** GPT-2 that classifies each token. */
export class GPT2ForTokenClassification extends TokenClassifier<GPT2Config> {
  protected override readonly architecture = 'GPT2ForTokenClassification';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options?: Options,
  ): Promise<GPT2ForTokenClassification> {
    return load({ config: GPT2Config, model: GPT2ForTokenClassification }, source, options);
  }
}

/** GPT-2 that finds where an answer begins and ends. */
export class GPT2ForQuestionAnswering extends QuestionAnswerer<GPT2Config> {
  protected override readonly architecture = 'GPT2ForQuestionAnswering';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options?: Options,
  ): Promise<GPT2ForQuestionAnswering> {
    return load({ config: GPT2Config, model: GPT2ForQuestionAnswering }, source, options);
  }
}
