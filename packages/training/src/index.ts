export { type AdagradOptions, adagrad } from './adagrad.js';
export { type AdamWOptions, adamW } from './adamw.js';
export type { Collate, Dataset } from './batches.js';
export { type CausalBlocksOptions, causalBlocks } from './causal-blocks.js';
export {
  type CausalLMBatch,
  type CausalLMCollatorOptions,
  type CausalLMExample,
  causalLMCollator,
} from './causal-lm-collator.js';
export {
  type ClassificationBatch,
  type ClassificationCollatorOptions,
  type ClassificationExample,
  classificationCollator,
} from './classification-collator.js';
export { type ContextLosses, type ContextLossesOptions, contextLosses } from './context-losses.js';
export { TrainingError, type TrainingErrorCode } from './errors.js';
export { type EvaluateOptions, type Evaluation, evaluate } from './evaluate.js';
export {
  type CausalEvaluation,
  type EvaluateCausalLMOptions,
  evaluateCausalLM,
} from './evaluate-causal-lm.js';
export {
  type ClassifierEvaluation,
  type EvaluateClassifierOptions,
  evaluateClassifier,
} from './evaluate-classifier.js';
export {
  type EvaluateStreamsOptions,
  evaluateStreams,
  type StreamsEvaluation,
} from './evaluate-streams.js';
export { clippingScale, globalNorm } from './gradient-clipping.js';
export {
  type MaskedLMBatch,
  type MaskedLMExample,
  type MaskingTokenizer,
  type MLMCollatorOptions,
  mlmCollator,
} from './mlm-collator.js';
export {
  applyGradients,
  disposeState,
  type Optimizer,
  type OptimizerState,
  type ParameterState,
  type ParameterUpdate,
  type UpdateOptions,
} from './optimizer.js';
export { type PackOptions, packDocuments } from './pack-documents.js';
export { ParallelStreams, type Segment, type StreamsOptions } from './parallel-streams.js';
export type { RecurrentLengths, RecurrentModel } from './recurrent-model.js';
export {
  type ContextGain,
  type RelativeContextLength,
  type RelativeContextOptions,
  relativeContextLengths,
} from './relative-context.js';
export type { CheckpointOptions } from './run-checkpoints.js';
export type { LogEntry, Metrics } from './run-log.js';
export {
  type CosineOptions,
  constantSchedule,
  cosineSchedule,
  type DecayOptions,
  type InverseSqrtOptions,
  inverseSqrtSchedule,
  linearSchedule,
  type PlateauOptions,
  plateauSchedule,
  type Schedule,
  type ScheduleOptions,
} from './schedules.js';
export { type SgdOptions, sgd } from './sgd.js';
export {
  type TrainingProgress,
  type TrainingSummary,
  type TrainOptions,
  train,
} from './train.js';
export type { LossFunction } from './train-step.js';
export { type TrainStreamsOptions, trainStreams } from './train-streams.js';
export type { SavableModel } from './training-checkpoint.js';
export type { WeightDecayOptions } from './weight-decay.js';
