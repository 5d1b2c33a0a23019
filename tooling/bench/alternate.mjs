// Compares peers fairly on a noisy machine: they take turns, round by round, so that a slow minute
// hits all of them, and what is quoted is the median of each round's ratio.

/**
 * @param peers name → function that does the work once (may be async); the first is ours
 * @returns a row for each peer: median milliseconds, and how many times as long as ours it took
 */
export async function alternate(peers, { rounds = 7, warmUp = 2 } = {}) {
  const names = Object.keys(peers);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of names) {
      const start = performance.now();
      await peers[name]();
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

export function print(title, rows) {
  console.log(`\n${title}`);
  for (const { name, ms, min, max, ratio } of rows) {
    const range = `${min.toFixed(1)}–${max.toFixed(1)}`;
    console.log(
      `  ${name.padEnd(28)} ${ms.toFixed(1).padStart(9)} ms  (${range})  ${ratio.toFixed(2)}×`,
    );
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
