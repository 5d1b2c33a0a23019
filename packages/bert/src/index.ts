export {
  BertForMaskedLM,
  type BertMaskedLMInputs,
  type BertMaskedLMOptions,
  type BertMaskedLMOutputs,
} from './bert-for-masked-lm.js';
export { BertModel, type BertModelOptions } from './bert-model.js';
export { BertConfig, type BertConfigFields } from './config.js';
export type { BertForwardOptions, BertInputs, BertTrunk, BertTrunkOutputs } from './trunk.js';
