export { attention, attentionGrad, attentionGradScratch, attentionScratch } from './attention';
export { dropout } from './dropout';
export { embeddingGrad } from './embedding';
export { gelu, geluGrad } from './gelu';
export { gemm, gemmScratch } from './gemm';
export { layerNorm, layerNormGrad } from './layer-norm';
export { crossEntropy, crossEntropyGrad, softmax } from './softmax';
