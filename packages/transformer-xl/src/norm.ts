import { LayerNorm, type Weights } from '@multihead/nn';
import type { TransfoXLConfig } from './config.js';

/** A norm whose fresh weights are N(1, initStd²), as the original draws them. */
export function normNear1(weights: Weights, config: TransfoXLConfig): LayerNorm {
  const { dModel, layerNormEpsilon, initStd } = config;
  return new LayerNorm(weights, dModel, {
    epsilon: layerNormEpsilon,
    initializer: (values, random) => {
      for (let i = 0; i < values.length; i++) values[i] = 1 + initStd * random.normal();
    },
  });
}
