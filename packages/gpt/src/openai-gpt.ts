import type { FromPretrainedOptions, PretrainedSource } from '@multihead/nn';
import { BareModel } from './bare-model.js';
import { bareModelKeys } from './checkpoint-keys.js';
import { DoubleHeadsModel } from './double-heads.js';
import { LMHeadModel } from './lm-head.js';
import { OpenAIGPTConfig } from './openai-gpt-config.js';
import { load } from './pretrained.js';
import { SequenceClassifier } from './sequence-classifier.js';

type Options = FromPretrainedOptions;

/** The bare GPT (Radford et al. 2018), which normalizes after each part: hidden states. */
export class OpenAIGPTModel extends BareModel<OpenAIGPTConfig> {
  protected override readonly architecture = 'OpenAIGPTModel';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(source: PretrainedSource, options?: Options): Promise<OpenAIGPTModel> {
    return load(
      { config: OpenAIGPTConfig, model: OpenAIGPTModel },
      source,
      options,
      () => bareModelKeys,
    );
  }
}

/** GPT with a head that says which token comes next; what generates. */
export class OpenAIGPTLMHeadModel extends LMHeadModel<OpenAIGPTConfig> {
  protected override readonly architecture = 'OpenAIGPTLMHeadModel';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options?: Options,
  ): Promise<OpenAIGPTLMHeadModel> {
    return load({ config: OpenAIGPTConfig, model: OpenAIGPTLMHeadModel }, source, options);
  }
}

/** GPT with a head for the next token and one that picks among texts. */
export class OpenAIGPTDoubleHeadsModel extends DoubleHeadsModel<OpenAIGPTConfig> {
  protected override readonly architecture = 'OpenAIGPTDoubleHeadsModel';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options?: Options,
  ): Promise<OpenAIGPTDoubleHeadsModel> {
    return load({ config: OpenAIGPTConfig, model: OpenAIGPTDoubleHeadsModel }, source, options);
  }
}

/** GPT that classifies texts by their last token. */
export class OpenAIGPTForSequenceClassification extends SequenceClassifier<OpenAIGPTConfig> {
  protected override readonly architecture = 'OpenAIGPTForSequenceClassification';

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options?: Options,
  ): Promise<OpenAIGPTForSequenceClassification> {
    return load(
      { config: OpenAIGPTConfig, model: OpenAIGPTForSequenceClassification },
      source,
      options,
    );
  }
}
