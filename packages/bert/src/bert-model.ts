import {
  type FromPretrainedOptions,
  loadPretrained,
  type ModelOutput,
  modelOutput,
  PretrainedModel,
  type PretrainedSource,
  Weights,
} from '@multihead/nn';
import { bareModelKeys } from './checkpoint-keys.js';
import { BertConfig } from './config.js';
import { type BertInputs, packInputs } from './inputs.js';
import { asHuggingFace } from './layouts.js';
import { type BertForwardOptions, BertTrunk, type BertTrunkOutputs } from './trunk.js';

export interface BertModelOptions {
  /** Have the pooler that gives `poolerOutput`; default true. */
  addPoolingLayer?: boolean;
}

/** The bare BERT (Devlin et al. 2019): hidden states, and the pooled first token. */
export class BertModel extends PretrainedModel<BertConfig> {
  protected override readonly architecture = 'BertModel';
  readonly bert: BertTrunk;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(
    config: BertConfig,
    weights: Weights = new Weights(),
    options: BertModelOptions = {},
  ) {
    super(config, weights);
    const { addPoolingLayer = true } = options;
    this.bert = new BertTrunk(weights, config, { addPoolingLayer });
  }

  /**
   * From a folder, URL or hub id in Hugging Face's format, or in Google's (`bert_config.json` and a
   * TensorFlow checkpoint).
   *
   * @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError
   */
  static fromPretrained(
    source: PretrainedSource,
    options: FromPretrainedOptions & BertModelOptions = {},
  ): Promise<BertModel> {
    const { addPoolingLayer = true, ...loading } = options;
    const recipe = {
      adapt: asHuggingFace,
      config: BertConfig.fromJson,
      keyMap: () => bareModelKeys,
      build: (config: BertConfig, weights: Weights) =>
        new BertModel(config, weights, { addPoolingLayer }),
    };
    return loadPretrained(source, recipe, loading);
  }

  /** @throws ModelError for ids out of range, rows of unequal length unless `ragged`, shapes that do not fit */
  forward(inputs: BertInputs, options: BertForwardOptions = {}): ModelOutput<BertTrunkOutputs> {
    return modelOutput(() => {
      const packed = options.ragged ? packInputs(inputs, this.config) : inputs;
      return this.bert.encode(packed, options);
    });
  }
}
