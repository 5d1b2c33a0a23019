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
import { GPT2Config } from './gpt2-config.js';
import { asHuggingFace } from './layouts.js';
import { LMHeadModel } from './lm-head.js';
import { SequenceClassifier } from './sequence-classifier.js';
import { QuestionAnswerer, TokenClassifier } from './token-heads.js';

type Options = FromPretrainedOptions;
type Build<M> = (config: GPT2Config, weights: Weights) => M;

/** Reads a folder, URL or hub id; what other libraries laid out, as if Hugging Face had. */
function load<M>(
  source: PretrainedSource,
  build: Build<M>,
  options: Options,
  keyMap: (config: GPT2Config) => KeyMap = headKeys,
): Promise<M> {
  const recipe = { adapt: asHuggingFace, config: GPT2Config.fromJson, keyMap, build };
  return loadPretrained(source, recipe, options);
}

/** The bare GPT-2 (Radford et al. 2019): hidden states. */
export class GPT2Model extends BareModel<GPT2Config> {
  protected override readonly architecture = 'GPT2Model';

  constructor(config: GPT2Config, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(source: PretrainedSource, options: Options = {}): Promise<GPT2Model> {
    return load(
      source,
      (config, weights) => new GPT2Model(config, weights),
      options,
      () => bareModelKeys,
    );
  }
}

/** GPT-2 with a head that says which token comes next; what generates. */
export class GPT2LMHeadModel extends LMHeadModel<GPT2Config> {
  protected override readonly architecture = 'GPT2LMHeadModel';

  constructor(config: GPT2Config, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(source: PretrainedSource, options: Options = {}): Promise<GPT2LMHeadModel> {
    return load(source, (config, weights) => new GPT2LMHeadModel(config, weights), options);
  }
}

/** GPT-2 with a head for the next token and one that picks among texts. */
export class GPT2DoubleHeadsModel extends DoubleHeadsModel<GPT2Config> {
  protected override readonly architecture = 'GPT2DoubleHeadsModel';

  constructor(config: GPT2Config, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: Options = {},
  ): Promise<GPT2DoubleHeadsModel> {
    return load(source, (config, weights) => new GPT2DoubleHeadsModel(config, weights), options);
  }
}

/** GPT-2 that classifies texts by their last token. */
export class GPT2ForSequenceClassification extends SequenceClassifier<GPT2Config> {
  protected override readonly architecture = 'GPT2ForSequenceClassification';

  constructor(config: GPT2Config, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: Options = {},
  ): Promise<GPT2ForSequenceClassification> {
    return load(
      source,
      (config, weights) => new GPT2ForSequenceClassification(config, weights),
      options,
    );
  }
}

/** GPT-2 that classifies each token. */
export class GPT2ForTokenClassification extends TokenClassifier<GPT2Config> {
  protected override readonly architecture = 'GPT2ForTokenClassification';

  constructor(config: GPT2Config, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: Options = {},
  ): Promise<GPT2ForTokenClassification> {
    return load(
      source,
      (config, weights) => new GPT2ForTokenClassification(config, weights),
      options,
    );
  }
}

/** GPT-2 that finds where an answer begins and ends. */
export class GPT2ForQuestionAnswering extends QuestionAnswerer<GPT2Config> {
  protected override readonly architecture = 'GPT2ForQuestionAnswering';

  constructor(config: GPT2Config, weights: Weights = new Weights()) {
    super(config, weights);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: Options = {},
  ): Promise<GPT2ForQuestionAnswering> {
    return load(
      source,
      (config, weights) => new GPT2ForQuestionAnswering(config, weights),
      options,
    );
  }
}
