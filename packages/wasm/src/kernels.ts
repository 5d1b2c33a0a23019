import { getKernel, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { attention, attentionGrad } from './attention.js';
import { dropout } from './dropout.js';
import { embeddingGrad } from './embedding.js';
import { gelu, geluGrad } from './gelu.js';
import { toConfig } from './kernel-host.js';
import { layerNorm, layerNormGrad } from './layer-norm.js';
import { matMul } from './mat-mul.js';
import { softmax, softmaxCrossEntropy, softmaxCrossEntropyGrad } from './softmax.js';

const kernels = [
  ...[matMul, gelu, geluGrad, layerNorm, layerNormGrad],
  ...[softmax, softmaxCrossEntropy, softmaxCrossEntropyGrad],
  ...[embeddingGrad, dropout, attention, attentionGrad],
];

/** Puts our kernels into tfjs's registry, or takes them out; the names of those that are in. */
export function registerKernels(wanted: boolean): string[] {
  for (const kernel of kernels) {
    const registered = getKernel(kernel.name, 'wasm') !== undefined;
    if (wanted && !registered) registerKernel(toConfig(kernel));
    if (!wanted && registered) unregisterKernel(kernel.name, 'wasm');
  }
  return wanted ? kernels.map(({ name }) => name) : [];
}
