import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import {
  engine,
  env,
  findBackend,
  type KernelBackend,
  setBackend,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { unpack } from './binary.js';
import { WasmError } from './errors.js';
import { tfjsBinary, tfjsBinaryVersion } from './generated/tfjs-simd.js';

/** The part of tfjs's wasm backend that kernels stand on. */
export interface WasmBackend extends KernelBackend {
  wasm: { asm?: { memory?: WebAssembly.Memory } };
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: TensorInfo['dtype']): TensorInfo;
}

/** Starts tfjs's wasm backend from the binary in this package, or takes the one that runs. */
export async function startBackend(): Promise<WasmBackend> {
  // Only looked up: findBackend would start it, from the network.
  if (!('wasm' in engine().registry)) {
    if (version_wasm !== tfjsBinaryVersion)
      throw new WasmError(
        'VERSION_MISMATCH',
        `@tensorflow/tfjs-backend-wasm is ${version_wasm}, but @multihead/wasm carries the binary ` +
          `of ${tfjsBinaryVersion}. Install @tensorflow/tfjs-backend-wasm@${tfjsBinaryVersion}, ` +
          'or the @multihead/wasm made for yours.',
      );
    // tfjs's own threads break in minified pages and need isolation.
    env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    await serving(await unpack(tfjsBinary), () => setBackend('wasm'));
  } else await setBackend('wasm');
  const backend = findBackend('wasm') as WasmBackend | null;
  if (!backend)
    throw new WasmError(
      'START_FAILED',
      'tfjs could not start its wasm backend; its warning in the console says why.',
    );
  return backend;
}

/**
 * Runs `start` while tfjs's one fetch for its binary is answered with `binary`. Nothing goes through
 * the network, nor through a blob or data URL that a content security policy would have to allow.
 */
async function serving(
  binary: Uint8Array<ArrayBuffer>,
  start: () => Promise<boolean>,
): Promise<void> {
  const url = 'multihead:tfjs-backend-wasm-simd.wasm';
  const usePlatformFetch = true;
  setWasmPaths(
    {
      'tfjs-backend-wasm.wasm': url,
      'tfjs-backend-wasm-simd.wasm': url,
      'tfjs-backend-wasm-threaded-simd.wasm': url,
    },
    usePlatformFetch,
  );
  const { platform } = env();
  const fetch = platform.fetch;
  platform.fetch = (path, ...rest) =>
    path === url ? Promise.resolve(new Response(binary)) : fetch.call(platform, path, ...rest);
  try {
    await start();
  } finally {
    platform.fetch = fetch;
  }
}

/** The memory of a backend without threads; a shared memory cannot be linked to our kernels. */
export function memoryOf(backend: WasmBackend): WebAssembly.Memory {
  const memory = backend.wasm.asm?.memory;
  if (!memory)
    throw new WasmError(
      'ALREADY_STARTED',
      "tfjs's wasm backend already runs in its threaded form, whose memory the kernels cannot " +
        "join. Call useWasm() before anything else starts the backend (tf.setBackend('wasm'), tf.ready()).",
    );
  return memory;
}
