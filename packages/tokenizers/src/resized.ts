/** A copy of the list with room for `size` numbers. */
export function resized<T extends Int32Array | Uint16Array>(list: T, size: number): T {
  const copy = new (list.constructor as new (size: number) => T)(size);
  copy.set(list.subarray(0, size));
  return copy;
}
