import {
  type FromPretrainedOptions,
  loadPretrained,
  type ModelOutput,
  modelOutput,
  PretrainedModel,
  type PretrainedSource,
  Weights,
} from '@multihead/nn';
import type * as tf from '@tensorflow/tfjs-core';
import { bareModelKeys } from './checkpoint-keys.js';
import { TransfoXLConfig } from './config.js';
import type { TransfoXLForwardOptions, TransfoXLInputs } from './inputs.js';
import { asHuggingFace } from './layouts.js';
import { emptyMemories } from './memories.js';
import { TransfoXLTrunk, type TransfoXLTrunkOutputs } from './trunk.js';

/** The bare Transformer-XL (Dai et al. 2019): hidden states and memories. */
export class TransfoXLModel extends PretrainedModel<TransfoXLConfig> {
  protected override readonly architecture = 'TransfoXLModel';
  readonly transformer: TransfoXLTrunk;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: TransfoXLConfig, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new TransfoXLTrunk(weights, config);
  }

  /** @throws ModelError `MISSING_KEYS`, `WRONG_SHAPE`, `BAD_CONFIG`; CheckpointError */
  static fromPretrained(
    source: PretrainedSource,
    options: FromPretrainedOptions = {},
  ): Promise<TransfoXLModel> {
    const build = (config: TransfoXLConfig, weights: Weights) =>
      new TransfoXLModel(config, weights);
    const recipe = {
      adapt: asHuggingFace,
      config: TransfoXLConfig.fromJson,
      keyMap: bareModelKeys,
      build,
    };
    return loadPretrained(source, recipe, options);
  }

  /** @throws ModelError for ids out of range, ragged rows, shapes and lengths that do not fit */
  forward(
    inputs: TransfoXLInputs,
    options: TransfoXLForwardOptions = {},
  ): ModelOutput<TransfoXLTrunkOutputs> {
    return modelOutput(() => this.transformer.encode(inputs, options));
  }

  /** Memories to begin with: `length` tokens of zeros. The caller owns them. */
  initMems(batch: number, length: number = this.config.memLen): tf.Tensor[] {
    return emptyMemories(this.config, batch, length);
  }
}
