import { engine, getBackend, getKernel, type Tensor } from '@tensorflow/tfjs-core';

/**
 * The place where kernels plug in. An op has a meaning as a composition of plain tfjs ops, which
 * runs on every backend. Where the active backend has registered a kernel of this name (as
 * `@multihead/wasm` does, through `tf.registerKernel`), that runs in its stead.
 *
 * `inputs` that are undefined are left out. Neither road is recorded for differentiation: an op
 * that calls this gives its own gradient (`tf.customGrad`).
 */
export function kernelOr(
  name: string,
  inputs: Record<string, Tensor | undefined>,
  attrs: Record<string, number | boolean | string>,
  composition: () => Tensor[],
): Tensor[] {
  if (getKernel(name, getBackend()) === undefined) return composition();
  const given = Object.fromEntries(
    Object.entries(inputs).filter(([, tensor]) => tensor !== undefined),
  ) as Record<string, Tensor>;
  const outputs = engine().runKernel(name, given, attrs) as Tensor | Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}
