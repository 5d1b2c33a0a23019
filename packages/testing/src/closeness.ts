/** How far two arrays lie apart at worst, and where. */
export interface Distance {
  /** |a − b| at its largest. */
  absolute: number;
  /** The same as a share of the largest |b|. */
  relative: number;
  index: number;
}

/** NaN on one side only counts as infinitely far. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): Distance {
  let absolute = actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY;
  let index = -1;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] ?? Number.NaN;
    const b = expected[i]!;
    const apart = Number.isNaN(a) && Number.isNaN(b) ? 0 : Math.abs(a - b);
    if (!(apart <= absolute)) {
      absolute = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
      index = i;
    }
  }
  return { absolute, relative: absolute / (largest(expected) || 1), index };
}

/** max |b| */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most;
}
