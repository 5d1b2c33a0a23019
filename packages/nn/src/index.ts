export {
  type Activation,
  type ActivationName,
  activation,
  gelu,
  geluNew,
  relu,
  silu,
  tanh,
} from './activations.js';
export { AdaptiveEmbedding, type AdaptiveOptions } from './adaptive-embedding.js';
export { AdaptiveSoftmax, type AdaptiveSoftmaxOptions } from './adaptive-softmax.js';
export {
  type CausalModel,
  type CausalState,
  type CausalStateOptions,
  type CausalStepOptions,
  type CausalStepOutputs,
  type SpecialTokens,
  specialTokensOf,
} from './causal-model.js';
export { type ClassLabels, classLabels } from './class-labels.js';
export { classificationLoss, PROBLEM_TYPES, type ProblemType } from './classification-loss.js';
export { readFields, writeFields } from './config.js';
export { Conv1D } from './conv1d.js';
export { type CrossEntropyOptions, crossEntropy } from './cross-entropy.js';
export { differentiable, isRecording, type Op } from './differentiable.js';
export { Dropout, dropout, dropoutMask } from './dropout.js';
export { Embedding, type EmbeddingOptions, embedding } from './embedding.js';
export { ModelError, type ModelErrorCode } from './errors.js';
export { yieldToEventLoop } from './event-loop.js';
export { type ValueAndGradients, valueAndGradients } from './gradients.js';
export {
  checkEmbeds,
  type Ids,
  type IdsOptions,
  idsToTensor,
  type PackedIds,
  packIds,
} from './inputs.js';
export {
  hasKernel,
  type KernelAttributes,
  type KernelInputs,
  kernelOr,
  runKernel,
} from './kernel.js';
export { LayerNorm, type LayerNormOptions, layerNorm } from './layer-norm.js';
export { Linear, type LinearOptions, linear } from './linear.js';
export { type LinearCrossEntropyOptions, linearCrossEntropy } from './linear-cross-entropy.js';
export { type MatMulOptions, matMul, product } from './mat-mul.js';
export {
  type ForwardOptions,
  type FromPretrainedOptions,
  loadPretrained,
  type Model,
  type ModelConfig,
  PretrainedModel,
  type PretrainedSource,
  type Recipe,
  type SaveOptions,
  type TrainableModel,
} from './model.js';
export { type Numbers, readNumbers } from './numbers.js';
export { type ModelOutput, modelOutput } from './outputs.js';
export { PackedMatrix } from './packed-matrix.js';
export { matrixOf, type Operand, Parameter, tensorOf } from './parameter.js';
export { type QuantizedBy, QuantizedMatrix } from './quantized-matrix.js';
export { Random } from './random.js';
export { registerGradients } from './register-gradients.js';
export { type DrawnWords, LogUniformSampler, sampledCrossEntropy } from './sampled-softmax.js';
export { logSoftmax, softmax } from './softmax.js';
export {
  type Initializer,
  type KeyMap,
  type LoadReport,
  normal,
  ones,
  type ParameterOptions,
  readTensors,
  Weights,
  type WeightsOptions,
  zeros,
} from './weights.js';
