import { customGrad, type GradSaveFunc, type Tensor } from '@tensorflow/tfjs-core';

/** An op and its gradient, as `differentiable` takes them. */
export interface Op {
  /** The result, and what the gradient will need of inputs and intermediate values. */
  forward(...inputs: Tensor[]): { value: Tensor; saved: Tensor[] };
  /** From the result's gradient, one fresh tensor for each input, in order. */
  backward(dy: Tensor, saved: Tensor[]): Tensor[];
}

/** Makes an op of a forward and a backward function; both are tidied, neither is recorded. */
export function differentiable({ forward, backward }: Op): (...inputs: Tensor[]) => Tensor {
  return customGrad((...args) => {
    const save = args.at(-1) as GradSaveFunc;
    const { value, saved } = forward(...(args.slice(0, -1) as Tensor[]));
    save(saved);
    return { value, gradFunc: backward };
  });
}
