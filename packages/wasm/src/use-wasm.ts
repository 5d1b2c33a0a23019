import { version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { WasmError } from './errors.js';
import { link } from './kernel-host.js';
import { registerKernels } from './kernels.js';
import { isShared, memoryOf, startBackend } from './tfjs-backend.js';
import { usualThreads } from './threads.js';
import { compileKernels, type WasmVariant } from './variant.js';

export interface UseWasmOptions {
  /** Register our SIMD kernels (default). Without them only stock tfjs runs. */
  kernels?: boolean;
  /**
   * Serve tfjs's own `matMul`, `fused.matMul` and `clone` as well (default), so that code which knows
   * nothing of our kernels runs faster, and right where tfjs is not. Nothing without `kernels`.
   */
  accelerateTfjs?: boolean;
  /**
   * Run this variant of the kernels in place of the fastest one: `simd` computes the same bits on
   * every machine.
   */
  variant?: WasmVariant;
  /**
   * How many threads the kernels may use where the work is worth it; any number gives the same bits.
   * Default: the processors, at most 4. A page that is not cross-origin isolated has one.
   */
  threads?: number;
}

/** What runs after `useWasm()`. */
export interface WasmInfo {
  /** The tfjs backend, now active. */
  backend: 'wasm';
  /** The variant of our kernels; of tfjs itself it is always the SIMD binary. */
  variant: WasmVariant;
  /** How many threads the kernels use at most. */
  threads: number;
  /** The version of @tensorflow/tfjs-backend-wasm. */
  tfjsVersion: string;
  /** The names of the kernels in tfjs's registry, none with `kernels: false`. */
  kernels: string[];
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Makes tfjs's WASM SIMD backend the active one, with our kernels registered. The binaries are in
 * this package's JavaScript: nothing is fetched and no bundler needs to be told anything. Calling it
 * again is cheap, and changes to the new options.
 *
 * @throws {WasmError} `WASM_UNSUPPORTED` without WebAssembly SIMD (or the asked variant),
 *   `WASM_BLOCKED` under a forbidding content security policy, `VERSION_MISMATCH` with another
 *   version of tfjs, `ALREADY_STARTED` when the threaded backend runs already, `START_FAILED`
 *   otherwise.
 */
export function useWasm(options: UseWasmOptions = {}): Promise<WasmInfo> {
  // One at a time: tfjs drops a start that another overtakes.
  const info = last.then(() => start(options));
  last = info.catch(() => {});
  return info;
}

async function start(options: UseWasmOptions): Promise<WasmInfo> {
  const { kernels = true, accelerateTfjs = true, variant: asked } = options;
  const { threads = usualThreads() } = options;
  if (!(Number.isInteger(threads) && threads > 0))
    throw new WasmError('BAD_INPUT', `threads must be a whole number from 1, not ${threads}.`);
  let compiled = await compileKernels(asked);
  const backend = await startBackend();
  const shared = isShared(memoryOf(backend));
  if (kernels && compiled.sharedMemory !== shared) compiled = await compileKernels(asked, shared);
  return {
    backend: 'wasm',
    variant: compiled.variant,
    threads: kernels ? await link(backend, compiled, threads) : 1,
    tfjsVersion: version_wasm,
    kernels: registerKernels(kernels, accelerateTfjs),
  };
}
