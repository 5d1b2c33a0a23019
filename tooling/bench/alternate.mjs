// Compares peers fairly on a noisy machine: they take turns, round by round, so that a slow minute
// hits all of them, and what is quoted is the median of each round's ratio.

/**
 * @param peers name → function that does the work once (may be async), or `{ before, work }` where
 *   something is to be set up first that does not count; the first is ours
 * @returns a row for each peer: median milliseconds, and how many times as long as ours it took
 */
export async function alternate(peers, { rounds = 7, warmUp = 2 } = {}) {
  const names = Object.keys(peers);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of names) {
      const { before, work = peers[name] } = peers[name];
      await before?.();
      const start = performance.now();
      await work();
      if (round >= 0) times[name].push(performance.now() - start);
    }
  }
  const ours = times[names[0]];
  return names.map((name) => ({
    name,
    ms: median(times[name]),
    min: Math.min(...times[name]),
    max: Math.max(...times[name]),
    ratio: median(times[name].map((ms, round) => ms / ours[round])),
  }));
}

/** The rows as lines of text, under a title. */
export function table(title, rows) {
  const lines = rows.map(({ name, ms, min, max, ratio }) => {
    const range = `${min.toFixed(1)}–${max.toFixed(1)}`;
    return `  ${name.padEnd(30)} ${ms.toFixed(1).padStart(9)} ms  (${range})  ${ratio.toFixed(2)}×`;
  });
  return ['', title, ...lines].join('\n');
}

export function print(title, rows) {
  console.log(table(title, rows));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
