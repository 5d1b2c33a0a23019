import { engine, getBackend, getKernel, type Tensor } from '@tensorflow/tfjs-core';

/*
 * The place where kernels plug in. An op has a meaning as a composition of plain tfjs ops, which
 * runs on every backend. Where the active backend has registered a kernel of the op's name (as
 * `@multihead/wasm` does, through `tf.registerKernel`), that runs in its stead. Neither road is
 * recorded for differentiation: an op that comes here gives its own gradient (`differentiable`).
 */

export type KernelInputs = Record<string, Tensor | undefined>;
export type KernelAttributes = Record<string, number | boolean | string | number[]>;

/** Whether the active backend has a kernel of this name. */
export function hasKernel(name: string): boolean {
  return getKernel(name, getBackend()) !== undefined;
}

/** Runs the kernel; inputs that are undefined are left out. */
export function runKernel(name: string, inputs: KernelInputs, attrs: KernelAttributes): Tensor[] {
  const given: Record<string, Tensor> = {};
  for (const input in inputs) {
    const tensor = inputs[input];
    if (tensor !== undefined) given[input] = tensor;
  }
  const outputs = engine().runKernel(name, given, attrs) as Tensor | Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Runs the kernel where there is one, else the composition. */
export function kernelOr(
  name: string,
  inputs: KernelInputs,
  attrs: KernelAttributes,
  composition: () => Tensor[],
): Tensor[] {
  return hasKernel(name) ? runKernel(name, inputs, attrs) : composition();
}
