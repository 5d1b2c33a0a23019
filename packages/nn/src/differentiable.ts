import {
  clone,
  customGrad,
  engine,
  type GradSaveFunc,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';

/** An op and its gradient, as `differentiable` takes them. */
export interface Op {
  /** A new tensor, and what the gradient will need of inputs and intermediate values. */
  forward(...inputs: Tensor[]): { value: Tensor; saved: Tensor[] };
  /** From the result's gradient, one for each input, in order and of its shape. */
  backward(dy: Tensor, saved: Tensor[]): Tensor[];
}

/** Makes an op of a forward and a backward function; both are tidied, neither is recorded. */
export function differentiable({ forward, backward }: Op): (...inputs: Tensor[]) => Tensor {
  const recorded = customGrad((...args) => {
    const save = args.at(-1) as GradSaveFunc;
    const { value, saved } = forward(...(args.slice(0, -1) as Tensor[]));
    save(saved);
    const gradFunc = (dy: Tensor, saved: Tensor[]) =>
      tidy(() => separate(backward(dy, saved), [dy, ...saved]));
    return { value, gradFunc };
  });
  // Where no gradient will be asked for, tfjs's bookkeeping for it is a part of a short op that shows.
  return (...inputs) =>
    isRecording() ? recorded(...inputs) : tidy(() => forward(...inputs).value);
}

/** tfjs frees each gradient when it has added another to it: none may be shared. */
const separate = (gradients: Tensor[], shared: Tensor[]): Tensor[] =>
  gradients.map((g, i) => (shared.includes(g) || gradients.indexOf(g) < i ? clone(g) : g));

/** Whether a gradient will be asked for: `valueAndGradients` (or tfjs's `grads`) runs this code. */
export const isRecording = (): boolean => engine().state.gradientDepth > 0;
