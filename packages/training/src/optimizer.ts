import type { JsonObject } from '@multihead/checkpoint';
import type { Parameter } from '@multihead/nn';
import type { Tensor } from '@tensorflow/tfjs-core';

/** What an optimizer remembers of one parameter. */
export interface ParameterState {
  /** Updates this parameter has had. */
  step: number;
  /** By the names PyTorch's state has (`exp_avg`, …), each of the parameter's shape. */
  tensors: Record<string, Tensor>;
}

/** By checkpoint key. A parameter that never had a gradient has no entry. */
export type OptimizerState = Map<string, ParameterState>;

/** One parameter's part of an update. */
export interface ParameterUpdate {
  /** The parameter's key in the checkpoint. */
  key: string;
  parameter: Tensor;
  gradient: Tensor;
  /** What the gradient counts for: below 1 where it is clipped. */
  gradientScale: number;
  /** Undefined at the first update. */
  state: ParameterState | undefined;
  learningRate: number;
}

/**
 * An optimizer: a function from one parameter, its gradient and its state to the next ones. It works
 * on one parameter at a time, and may write the next values where the given ones are: over whole
 * maps, or side by side, every update would hold the model and its moments twice.
 */
export interface Optimizer {
  /** What it was made with: a run is not resumed with another. */
  readonly settings: JsonObject;
  /**
   * New tensors. Those given stay the caller's to free, but what parameter and state contain is no
   * longer defined.
   */
  update(given: ParameterUpdate): { parameter: Tensor; state: ParameterState };
}

export interface UpdateOptions {
  learningRate: number;
  /** All gradients are multiplied by this first (see `clippingScale`); default 1. */
  gradientScale?: number;
}

/**
 * Updates every parameter that has a gradient, replacing its value and its entry in `state`. Frees
 * the gradients and all that was replaced. Parameters without a gradient (frozen, or not used by
 * the loss) stay as they are, and so does their state.
 */
export function applyGradients(
  optimizer: Optimizer,
  parameters: ReadonlyMap<string, Parameter>,
  gradients: Map<string, Tensor>,
  state: OptimizerState,
  { learningRate, gradientScale = 1 }: UpdateOptions,
): void {
  for (const [key, gradient] of gradients) {
    const parameter = parameters.get(key)!;
    const old = state.get(key);
    const next = optimizer.update({
      key,
      parameter: parameter.value,
      gradient,
      gradientScale,
      state: old,
      learningRate,
    });
    parameter.assign(next.parameter);
    state.set(key, next.state);
    for (const tensor of Object.values(old?.tensors ?? {})) tensor.dispose();
    gradient.dispose();
    gradients.delete(key);
  }
}

/** Frees a state's tensors and empties it. */
export function disposeState(state: OptimizerState): void {
  for (const { tensors } of state.values()) {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  }
  state.clear();
}
