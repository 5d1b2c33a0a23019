export type { GPTConfig } from './config.js';
export type { ChoiceIds, DoubleHeadsInputs, DoubleHeadsOutputs } from './double-heads.js';
export {
  GPT2DoubleHeadsModel,
  GPT2ForQuestionAnswering,
  GPT2ForSequenceClassification,
  GPT2ForTokenClassification,
  GPT2LMHeadModel,
  GPT2Model,
} from './gpt2.js';
export { GPT2Config, type GPT2ConfigFields } from './gpt2-config.js';
export type { GPTForwardOptions, GPTInputs } from './inputs.js';
export type { LMHeadInputs, LMHeadOptions, LMHeadOutputs } from './lm-head.js';
export {
  OpenAIGPTDoubleHeadsModel,
  OpenAIGPTForSequenceClassification,
  OpenAIGPTLMHeadModel,
  OpenAIGPTModel,
} from './openai-gpt.js';
export { OpenAIGPTConfig, type OpenAIGPTConfigFields } from './openai-gpt-config.js';
export type { SequenceClassifierInputs, SequenceClassifierOutputs } from './sequence-classifier.js';
export type { GPTState } from './state.js';
export type {
  QuestionAnsweringInputs,
  QuestionAnsweringOutputs,
  TokenClassifierInputs,
  TokenClassifierOutputs,
} from './token-heads.js';
export type { GPTTrunk, GPTTrunkOutputs } from './trunk.js';
