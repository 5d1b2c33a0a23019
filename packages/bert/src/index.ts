export {
  BertForMaskedLM,
  type BertMaskedLMInputs,
  type BertMaskedLMOptions,
  type BertMaskedLMOutputs,
} from './bert-for-masked-lm.js';
export {
  BertForSequenceClassification,
  type BertSequenceClassificationInputs,
  type BertSequenceClassificationOutputs,
} from './bert-for-sequence-classification.js';
export { BertModel, type BertModelOptions } from './bert-model.js';
export { BertConfig, type BertConfigFields } from './config.js';
export type { BertInputs } from './inputs.js';
export type { BertForwardOptions, BertTrunk, BertTrunkOutputs } from './trunk.js';
