export { attention, attentionGrad, attentionGradScratch, attentionScratch } from './attention';
export { copy } from './copy';
export { dropout } from './dropout';
export { embedding, embeddingGrad } from './embedding';
export { int8Embedding } from './embedding-int8';
export { gelu, geluGrad } from './gelu';
export { gemm, gemmPanels, gemmScratch } from './gemm';
export { int8Dot, int8Gemm, int8RowBytes, int8Rows, int8Scratch } from './gemm-int8';
export { layerNorm, layerNormGrad } from './layer-norm';
export { linearCrossEntropy, linearCrossEntropyScratch } from './linear-cross-entropy';
export { adamW, sumOfSquares } from './optimizer';
export { panelRows, toPanels } from './panels';
export { crossEntropy, crossEntropyGrad, softmax } from './softmax';

