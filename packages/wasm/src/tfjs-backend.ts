import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import {
  engine,
  env,
  type KernelBackend,
  setBackend,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { canShareMemory, unpack, withSharedMemory } from './binary.js';
import { WasmError } from './errors.js';
import { tfjsBinary, tfjsBinaryVersion } from './generated/tfjs-simd.js';

/** The part of tfjs's wasm backend that kernels stand on. */
export interface WasmBackend extends KernelBackend {
  wasm: {
    asm?: { memory?: WebAssembly.Memory };
    /** 0 where the heap is full. */
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: TensorInfo['dtype']): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array | Int32Array;
}

/** Starts tfjs's wasm backend from the binary in this package, or takes the one that runs. */
export async function startBackend(): Promise<WasmBackend> {
  // Only looked up: findBackend would start it, from the network.
  if (!('wasm' in engine().registry)) {
    requireVersion(version_wasm);
    // tfjs's own threads break in minified pages and need isolation.
    env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    serveBinary();
    await withoutListeners(() => setBackend('wasm'));
  } else await setBackend('wasm');
  const backend = engine().registry.wasm as WasmBackend | undefined;
  if (!backend)
    throw new WasmError(
      'START_FAILED',
      'tfjs could not start its wasm backend; its warning in the console says why.',
    );
  return backend;
}

/** What Node's `process` is to `withoutListeners`. */
interface Emitter {
  rawListeners(event: string): unknown[];
  off(event: string, listener: unknown): void;
}

/**
 * In Node, tfjs's script catches every error that nobody caught and throws it again from its own
 * midst. Without those listeners an error is reported from where it came.
 */
async function withoutListeners(start: () => Promise<unknown>): Promise<void> {
  const { process } = globalThis as { process?: Partial<Emitter> };
  const emitter = process?.rawListeners && process.off ? (process as Emitter) : undefined;
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = events.map((event) => new Set(emitter?.rawListeners(event)));
  await start();
  for (const [i, event] of events.entries()) {
    for (const listener of emitter?.rawListeners(event) ?? []) {
      if (!before[i]?.has(listener)) emitter?.off(event, listener);
    }
  }
}

/** The glue in the installed package and the binary in this one only work as a pair. */
export function requireVersion(installed: string): void {
  if (installed === tfjsBinaryVersion) return;
  throw new WasmError(
    'VERSION_MISMATCH',
    `@tensorflow/tfjs-backend-wasm is ${installed}, but @multihead/wasm carries the binary of ` +
      `${tfjsBinaryVersion}. Install @tensorflow/tfjs-backend-wasm@${tfjsBinaryVersion}, or the ` +
      '@multihead/wasm made for yours.',
  );
}

const serving = new WeakSet<object>();

/**
 * Answers tfjs's one fetch for its binary with the one in this package. Nothing goes through the
 * network, nor through a blob or data URL that a content security policy would have to allow.
 */
function serveBinary(): void {
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
  if (serving.has(platform)) return;
  serving.add(platform);
  const fetch = platform.fetch;
  // For good, not for this start alone: tfjs starts its backend anew after `tf.engine().reset()`.
  platform.fetch = async (path, ...rest) =>
    path === url ? new Response(await sharableBinary()) : fetch.call(platform, path, ...rest);
}

/** Memory is shared wherever it can be: whether threads are wanted may change while it is in use. */
async function sharableBinary(): Promise<Uint8Array<ArrayBuffer>> {
  const binary = await unpack(tfjsBinary);
  return canShareMemory() ? withSharedMemory(binary) : binary;
}

/** Whether threads can have it too. A backend that `useWasm` did not start has one of its own. */
export function isShared({ buffer }: WebAssembly.Memory): boolean {
  return Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
}

/** The memory of a backend without threads of its own. */
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
