import { dispose as disposeTensors, type TensorContainer, tidy } from '@tensorflow/tfjs-core';
import './dispose-symbol.js';

/** A model's outputs: free them with `dispose()`, or hold them with `using`. */
export type ModelOutput<T> = T & { dispose(): void; [Symbol.dispose](): void };

/** Runs a forward pass: everything is freed but the tensors of the record it returns. */
export function modelOutput<T extends object>(forward: () => T): ModelOutput<T> {
  const outputs = tidy(forward as () => TensorContainer) as T;
  const free = () => disposeTensors(outputs as TensorContainer);
  return Object.defineProperties(outputs, {
    dispose: { value: free },
    [Symbol.dispose]: { value: free },
  }) as ModelOutput<T>;
}
