/** What a key-value cache is written with: bytes from one place to another. */
export function copy(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes);
}
