// What this machine's 128-bit SIMD can do at most from WebAssembly: independent values in registers, no
// memory in between; how fast one thread reads memory; and what our products do of it.
//   node scripts/pnpm.mjs --filter @multihead/bench run roofline [--chromium]
// (--experimental-wasm-relaxed-simd, before the file's name, where Node needs it)
import asc from 'assemblyscript/asc';
import { measureCeilings, measureProducts } from './ceilings.mjs';
import { inChromium } from './chromium.mjs';

/**
 * Twelve values: what the registers hold beside the operands, enough to hide an instruction's latency.
 * Each goes through every step, so that no part of it can be moved out of the loop.
 */
const VALUES = Array.from({ length: 12 }, (_, i) => i);
const each = (text) => VALUES.map((i) => text.replaceAll('#', i)).join(' ');

const loop = (name, step, splat) => `
export function ${name}(rounds: i32, from: i32): i32 {
  const x = ${splat}(<i8>from), y = ${splat}(<i8>(from + 1));
  ${each('let s# = x;')}
  for (let i = 0; i < rounds; i++) { ${each(`s# = ${step};`)} }
  let s = s0; ${each('s = v128.xor(s, s#);')}
  return i32x4.extract_lane(s, 0);
}`;

const plain = `
${loop('floats', 'f32x4.add(f32x4.mul(s#, y), x)', 'i8x16.splat')}
${loop('bytes', 'i32x4.add(i32x4.dot_i16x8_s(s#, y), x)', 'i8x16.splat')}
export function write(bytes: usize): void { memory.fill(1024, 1, bytes - 1024); }
export function read(bytes: usize): i32 {
  let s0 = i8x16.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (let at: usize = 1024; at < bytes; at += 64) {
    s0 = v128.xor(s0, v128.load(at)); s1 = v128.xor(s1, v128.load(at, 16));
    s2 = v128.xor(s2, v128.load(at, 32)); s3 = v128.xor(s3, v128.load(at, 48));
  }
  return i32x4.extract_lane(v128.xor(v128.xor(s0, s1), v128.xor(s2, s3)), 0);
}`;

const relaxed = `
${loop('floats', 'f32x4.relaxed_madd(s#, y, x)', 'i8x16.splat')}
${loop('bytes', 'i32x4.relaxed_dot_i8x16_i7x16_add_s(s#, y, x)', 'i8x16.splat')}`;

const binaries = {
  'plain SIMD': await compile(plain, ['simd'], 8),
  'relaxed SIMD': await compile(relaxed, ['simd', 'relaxed-simd'], 16),
};
if (process.argv.includes('--chromium')) await inChromium('ceilings-page.mjs', binaries);
else {
  await measureCeilings(binaries, console.log);
  await measureProducts(console.log);
}

/** @param macs multiplications of bytes that one instruction of the int8 loop does */
async function compile(source, features, macs) {
  const { error, binary, stderr } = await compileSource(source, features);
  if (error) throw new Error(stderr.toString(), { cause: error });
  return { bytes: Array.from(binary), macs };
}

async function compileSource(source, features) {
  let binary;
  const result = await asc.main(
    ['source.ts', '--outFile', 'out.wasm', '--runtime', 'stub', '--noAssert', '-O3'].concat(
      ['--initialMemory', '4096'],
      features.flatMap((feature) => ['--enable', feature]),
    ),
    {
      readFile: (name) => (name === 'source.ts' ? source : null),
      writeFile: (_, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    },
  );
  return { ...result, binary };
}
