// The loops of roofline.mjs, timed; in Node and in a page alike.

export async function measureCeilings(binaries, say) {
  for (const [name, { bytes, macs }] of Object.entries(binaries)) {
    const code = Uint8Array.from(bytes);
    if (!WebAssembly.validate(code)) {
      say(`${name}: not to be had here`);
      continue;
    }
    const { exports } = (await WebAssembly.instantiate(code)).instance;
    const rounds = 2e7;
    const floats = best(() => exports.floats(rounds, 1));
    const line = [`${name}: float32 ${((rounds * 12 * 8) / floats / 1e6).toFixed(1)} GFLOP/s`];
    const dots = best(() => exports.bytes(rounds, 1));
    line.push(`int8 ${((rounds * 12 * 2 * macs) / dots / 1e6).toFixed(1)} GOP/s`);
    if (exports.read) {
      const size = 2 ** 28;
      exports.write(size); // memory that nobody has written to is one page of zeros, in the cache
      line.push(`memory ${(size / best(() => exports.read(size)) / 1e6).toFixed(1)} GB/s`);
    }
    say(line.join(', '));
  }
}

/** Milliseconds of the fastest of a few runs: a ceiling is what the machine does undisturbed. */
function best(work) {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
