/** A row of this length: the values, then the filler. */
export function padded(values: ArrayLike<number>, length: number, filler: number): Int32Array {
  const row = new Int32Array(length).fill(filler);
  row.set(values);
  return row;
}
