export { attention, attentionGrad, attentionGradScratch, attentionScratch } from './attention';
export { copy } from './copy';
export { dropout } from './dropout';
export { embedding, embeddingGrad } from './embedding';
export { gelu, geluGrad } from './gelu';
export { gemm, gemmScratch } from './gemm';
export { layerNorm, layerNormGrad } from './layer-norm';
export { adamW, sumOfSquares } from './optimizer';
export { crossEntropy, crossEntropyGrad, softmax } from './softmax';
