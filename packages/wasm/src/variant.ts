import { canShareMemory, unpack, withSharedMemory } from './binary.js';
import { WasmError } from './errors.js';
import { kernelBinaries } from './generated/kernels.js';

/**
 * Which of the kernels' binaries runs: `simd` (128-bit SIMD, the same bits on every machine) or
 * `relaxed-simd` (fused multiply-adds where the processor has them: faster, and the last bits may
 * differ between machines).
 */
export type WasmVariant = 'simd' | 'relaxed-simd';

/** The compiled kernels, not yet tied to a backend's memory. */
export interface CompiledKernels {
  variant: WasmVariant;
  module: WebAssembly.Module;
  /** Whether the memory they import must be a shared one. */
  sharedMemory: boolean;
}

/** Compiles the best variant this machine validates, or the asked one. */
export async function compileKernels(
  asked?: WasmVariant,
  sharedMemory: boolean = canShareMemory(),
): Promise<CompiledKernels> {
  if (typeof WebAssembly !== 'object')
    throw new WasmError(
      'WASM_UNSUPPORTED',
      'There is no WebAssembly here (some hardened browsers turn it off). Enable it, or use ' +
        "another backend: tf.setBackend('cpu') or 'webgl'.",
    );
  for (const variant of asked ? [asked] : (['relaxed-simd', 'simd'] as const)) {
    const binary = kernelBinaries[variant];
    if (binary === undefined)
      throw new WasmError('BAD_INPUT', `No variant "${variant}": give "simd" or "relaxed-simd".`);
    const unpacked = await unpack(binary);
    const bytes = sharedMemory ? withSharedMemory(unpacked) : unpacked;
    if (WebAssembly.validate(bytes)) return { variant, module: await compile(bytes), sharedMemory };
  }
  throw new WasmError(
    'WASM_UNSUPPORTED',
    asked === 'relaxed-simd'
      ? 'WebAssembly here has no relaxed SIMD. Leave `variant` out to run the best one there is ' +
          '(Node 20 has it behind --experimental-wasm-relaxed-simd).'
      : 'WebAssembly here has no 128-bit SIMD (browsers have it since Chrome 91, Firefox 89, ' +
          "Safari 16.4; processors without SSE4.1 never). Use another backend: tf.setBackend('cpu') or 'webgl'.",
  );
}

async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    // The bytes are valid, so it is the embedder that refuses.
    throw new WasmError(
      'WASM_BLOCKED',
      "The page may not compile WebAssembly. Add 'wasm-unsafe-eval' to script-src in its " +
        `Content-Security-Policy. (${String(cause)})`,
      { cause },
    );
  }
}
