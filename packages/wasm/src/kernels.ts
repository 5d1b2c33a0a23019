import { getKernel, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { gelu, geluGrad } from './gelu.js';
import { type Kernel, toConfig } from './kernel-host.js';
import { matMul } from './mat-mul.js';

const kernels: Kernel[] = [gelu, geluGrad, matMul];

/** Puts our kernels into tfjs's registry, or takes them out; the names of those that are in. */
export function registerKernels(wanted: boolean): string[] {
  for (const kernel of kernels) {
    const registered = getKernel(kernel.name, 'wasm') !== undefined;
    if (wanted && !registered) registerKernel(toConfig(kernel));
    if (!wanted && registered) unregisterKernel(kernel.name, 'wasm');
  }
  return wanted ? kernels.map(({ name }) => name) : [];
}
