export { type AttentionType, TransfoXLConfig, type TransfoXLConfigFields } from './config.js';
export type { SegmentLengths, TransfoXLForwardOptions, TransfoXLInputs } from './inputs.js';
export {
  type LMHeadInputs,
  type LMHeadOptions,
  type LMHeadOutputs,
  TransfoXLLMHeadModel,
} from './lm-head-model.js';
export type { Memories } from './memories.js';
export {
  type SequenceClassifierInputs,
  type SequenceClassifierOutputs,
  TransfoXLForSequenceClassification,
} from './sequence-classifier.js';
export type { TransfoXLState, TransfoXLStateOptions } from './state.js';
export { TransfoXLModel } from './transfo-xl-model.js';
export type { TransfoXLTrunk, TransfoXLTrunkOutputs } from './trunk.js';
