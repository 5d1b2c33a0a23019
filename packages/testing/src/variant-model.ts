import type { Ids, Model, Random } from '@multihead/nn';
import type * as tf from '@tensorflow/tfjs-core';

/** What goes into a variant: ids, and what the variant says it takes beside them. */
export interface VariantInputs {
  inputIds: Ids;
  attentionMask?: Ids;
  labels?: Ids;
}

export interface VariantForwardOptions {
  random?: Random;
  outputHiddenStates?: boolean;
  outputAttentions?: boolean;
}

/** A model as the contract sees it. */
export interface VariantModel extends Model {
  forward(
    inputs: VariantInputs,
    options?: VariantForwardOptions,
  ): { loss?: tf.Tensor | undefined; dispose(): void };
  save(folder: string): Promise<void>;
}
