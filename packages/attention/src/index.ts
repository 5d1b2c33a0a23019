export { headMasks } from './head-masks.js';
export { KeyValueCache, type KeyValueCacheOptions } from './key-value-cache.js';
export { causalMask, combineMasks, MASKED, paddingMask, windowMask } from './masks.js';
export {
  MultiHeadAttention,
  type MultiHeadAttentionInputs,
  type MultiHeadAttentionOptions,
  type ProjectionWeights,
} from './multi-head-attention.js';
export { type RelativeAttentionOptions, relativeAttention } from './relative-attention.js';
export {
  type AttentionOptions,
  type AttentionResult,
  scaledDotProductAttention,
} from './scaled-dot-product-attention.js';
export { selfAttention } from './self-attention.js';
