/** How weights shrink, for every optimizer. */
export interface WeightDecayOptions {
  /** How fast weights shrink at each update. */
  weightDecay?: number;
  /**
   * Which parameters shrink. Default: matrices, which leaves out biases and the scales of layer
   * norms. A function cannot be stored: a resumed run must be given the same one.
   */
  decays?: (key: string, shape: readonly number[]) => boolean;
}

export const isMatrix = (_key: string, shape: readonly number[]): boolean => shape.length >= 2;
