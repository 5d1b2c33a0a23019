import { getKernel, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { attention, attentionGrad } from './attention.js';
import { cacheCopy, cacheReorder, cacheWrite } from './cache.js';
import { columnSums } from './column-sums.js';
import { dropout } from './dropout.js';
import { embedding, embeddingGrad } from './embedding.js';
import { embeddingInt8 } from './embedding-int8.js';
import { gelu, geluGrad } from './gelu.js';
import { identity } from './identity.js';
import { displaced, toConfig } from './kernel-host.js';
import { layerNorm, layerNormGrad } from './layer-norm.js';
import { linearCrossEntropy } from './linear-cross-entropy.js';
import { linearInt8 } from './linear-int8.js';
import { matMul, panels } from './mat-mul.js';
import { adamW, sumOfSquares } from './optimizer.js';
import { relativeAttention, relativeAttentionGrad } from './relative-attention.js';
import { softmax, softmaxCrossEntropy, softmaxCrossEntropyGrad } from './softmax.js';
import { add, erf, exp, tanh } from './tfjs-elementwise.js';
import { batchMatMul, fusedMatMul } from './tfjs-mat-mul.js';
import { concat, split } from './tfjs-split.js';

const kernels = [
  ...[matMul, panels, linearInt8, embeddingInt8, gelu, geluGrad, layerNorm, layerNormGrad],
  ...[softmax, softmaxCrossEntropy, softmaxCrossEntropyGrad, linearCrossEntropy],
  ...[embedding, embeddingGrad, dropout, attention, attentionGrad],
  ...[relativeAttention, relativeAttentionGrad],
  ...[cacheWrite, cacheReorder, cacheCopy, columnSums, sumOfSquares, adamW],
];

/** Kernels of tfjs's own that ours take the place of. */
const improved = [identity, batchMatMul, fusedMatMul, add, exp, tanh, erf, split, concat];

function improveTfjs(wanted: boolean): void {
  for (const kernel of improved) {
    const registered = getKernel(kernel.name, 'wasm');
    if (wanted === displaced.has(kernel.name)) continue;
    unregisterKernel(kernel.name, 'wasm');
    if (wanted) {
      displaced.set(kernel.name, registered);
      registerKernel(toConfig(kernel));
    } else {
      registerKernel(displaced.get(kernel.name)!);
      displaced.delete(kernel.name);
    }
  }
}

/**
 * Puts our kernels into tfjs's registry, or takes them out; the names of those that are in. With
 * `accelerateTfjs` some take the place of tfjs's own.
 */
export function registerKernels(wanted: boolean, accelerateTfjs = true): string[] {
  for (const kernel of kernels) {
    const registered = getKernel(kernel.name, 'wasm') !== undefined;
    if (wanted && !registered) registerKernel(toConfig(kernel));
    if (!wanted && registered) unregisterKernel(kernel.name, 'wasm');
  }
  improveTfjs(wanted && accelerateTfjs);
  return wanted ? kernels.map(({ name }) => name) : [];
}
