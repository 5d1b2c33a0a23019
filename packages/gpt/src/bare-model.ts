import {
  type CausalStateOptions,
  type ModelOutput,
  modelOutput,
  PretrainedModel,
  Weights,
} from '@multihead/nn';
import type { GPTConfig } from './config.js';
import type { GPTForwardOptions, GPTInputs } from './inputs.js';
import { GPTState } from './state.js';
import { GPTTrunk, type GPTTrunkOutputs } from './trunk.js';

/** A GPT without a head: hidden states. */
export abstract class BareModel<Config extends GPTConfig> extends PretrainedModel<Config> {
  readonly transformer: GPTTrunk;

  /** Fresh weights drawn with the seed of `weights`, or the ones `weights` reads. */
  constructor(config: Config, weights: Weights = new Weights()) {
    super(config, weights);
    this.transformer = new GPTTrunk(weights, config);
  }

  /** @throws ModelError for ids out of range, ragged rows, shapes that do not fit, too many tokens */
  forward(inputs: GPTInputs, options: GPTForwardOptions = {}): ModelOutput<GPTTrunkOutputs> {
    return modelOutput(() => this.transformer.encode(inputs, options));
  }

  /** For `pastKeyValues`: a state that has seen nothing. The caller owns it. */
  createState(options: CausalStateOptions): GPTState {
    return new GPTState(this.config, options);
  }
}
