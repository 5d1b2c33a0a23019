/** What a key-value cache is written with: bytes from one place to another. */
export function copy(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes);
}

/** The same for `rows` that are `toStep` and `fromStep` bytes apart. */
export function copyRows(
  to: usize, toStep: usize, from: usize, fromStep: usize, bytes: usize, rows: usize,
): void {
  for (; rows > 0; rows--) {
    memory.copy(to, from, bytes);
    to += toStep;
    from += fromStep;
  }
}
