/** A part of 1 as people read it. */
export function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
