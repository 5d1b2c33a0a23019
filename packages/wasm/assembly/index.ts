export { gelu, geluGrad } from './gelu';
export { gemm, gemmScratch } from './gemm';
