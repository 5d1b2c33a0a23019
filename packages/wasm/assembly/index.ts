export { attention, attentionScratch } from './attention';
export { attentionGrad, attentionGradScratch } from './attention-grad';
export { columnSums } from './column-sums';
export { copy, copyRows } from './copy';
export { dropout } from './dropout';
export { embedding, embeddingGrad } from './embedding';
export { int8Embedding } from './embedding-int8';
export { gelu, geluGrad } from './gelu';
export { gemm, gemmPanels, gemmScratch } from './gemm';
export { int8Dot, int8Gemm, int8Linear, int8RowBytes, int8Rows, int8Scratch } from './gemm-int8';
export { layerNorm, layerNormGrad } from './layer-norm';
export {
  headBlocks, headChunk, headGradients, headGradientsScratch, headInputGradients, headLogits,
  headLogitsScratch, headLosses, headRows,
} from './linear-cross-entropy';
export { adamW, sumOfSquares } from './optimizer';
export { panelRows, toPanels } from './panels';
export { relativeAttention, relativeAttentionScratch } from './relative-attention';
export { relativeAttentionGrad, relativeAttentionGradScratch } from './relative-attention-grad';
export { crossEntropy, crossEntropyGrad, softmax } from './softmax';
export { sum, unary } from './unary';
