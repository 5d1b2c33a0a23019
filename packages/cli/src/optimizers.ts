import { adagrad, adamW, type Optimizer, sgd } from '@multihead/training';
import { given } from './options.js';
import type { TrainingOptions } from './training-options.js';

/** What `--optimizer` and its options make. */
export function optimizerOf(options: TrainingOptions): Optimizer {
  const { optimizer, momentum, adamBeta1, adamBeta2 } = options;
  const decay = given({ weightDecay: options.weightDecay });
  switch (optimizer) {
    case 'sgd':
      return sgd({ momentum, ...decay });
    case 'adagrad':
      return adagrad(decay);
    default:
      return adamW({ betas: [adamBeta1, adamBeta2], ...decay });
  }
}

/** Tables and projections by which tokens, kinds and places go in, of every family, as far as their keys say. */
const EMBEDDING =
  /(^|\.)(word_emb|r_emb|wte|wpe|(tokens|positions)_embed|(word|position|token_type)_embeddings)(\.|$)/;

export const isEmbedding = (key: string): boolean => EMBEDDING.test(key);
