import {
  type FromPretrainedOptions,
  type KeyMap,
  loadPretrained,
  type PretrainedSource,
  Weights,
} from '@multihead/nn';
import { BareModel } from './bare-model.js';
import { bareModelKeys, headKeys } from './checkpoint-keys.js';
import { DoubleHeadsModel } from './double-heads.js';
import { asHuggingFace } from './layouts.js';
import { LMHeadModel } from './lm-head.js';
import { OpenAIGPTConfig } from './openai-gpt-config.js';
import { SequenceClassifier } from './sequence-classifier.js';

type Options = FromPretrainedOptions;
type Build<M> = (config: OpenAIGPTConfig, weights: Weights) => M;

/** Reads a folder, URL or hub id; what other libraries laid out, as if Hugging Face had. */
function load<M>(
  source: PretrainedSource,
  build: Build<M>,
  options: Options,
  keyMap: (config: OpenAIGPTConfig) => KeyMap = headKeys,
): Promise<M> {
  const recipe = { adapt: asHuggingFace, config: OpenAIGPTConfig.fromJson, keyMap, build };
  return loadPretrained(source, recipe, options);
}

/** The bare GPT (Radford et al. 2018), which normalizes after each part: hidden states. */
export class OpenAIGPTModel extends BareModel<OpenAIGPTConfig> {
  protected override readonly architecture = 'OpenAIGPTModel';

  constructor(config: OpenAIGPTConfig, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(source: PretrainedSource, options: Options = {}): Promise<OpenAIGPTModel> {
    return load(
      source,
      (config, weights) => new OpenAIGPTModel(config, weights),
      options,
      () => bareModelKeys,
    );
  }
}

/** GPT with a head that says which token comes next; what generates. */
export class OpenAIGPTLMHeadModel extends LMHeadModel<OpenAIGPTConfig> {
  protected override readonly architecture = 'OpenAIGPTLMHeadModel';

  constructor(config: OpenAIGPTConfig, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: Options = {},
  ): Promise<OpenAIGPTLMHeadModel> {
    return load(source, (config, weights) => new OpenAIGPTLMHeadModel(config, weights), options);
  }
}

/** GPT with a head for the next token and one that picks among texts. */
export class OpenAIGPTDoubleHeadsModel extends DoubleHeadsModel<OpenAIGPTConfig> {
  protected override readonly architecture = 'OpenAIGPTDoubleHeadsModel';

  constructor(config: OpenAIGPTConfig, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: Options = {},
  ): Promise<OpenAIGPTDoubleHeadsModel> {
    return load(
      source,
      (config, weights) => new OpenAIGPTDoubleHeadsModel(config, weights),
      options,
    );
  }
}

/** GPT that classifies texts by their last token. */
export class OpenAIGPTForSequenceClassification extends SequenceClassifier<OpenAIGPTConfig> {
  protected override readonly architecture = 'OpenAIGPTForSequenceClassification';

  constructor(config: OpenAIGPTConfig, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: Options = {},
  ): Promise<OpenAIGPTForSequenceClassification> {
    return load(
      source,
      (config, weights) => new OpenAIGPTForSequenceClassification(config, weights),
      options,
    );
  }
}
