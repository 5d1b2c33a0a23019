/**
 * What went wrong, as a stable word:
 *
 * - `WASM_UNSUPPORTED`: no WebAssembly here, none with 128-bit SIMD, or the asked variant is missing
 * - `WASM_BLOCKED`: the page's content security policy forbids compiling WebAssembly
 * - `VERSION_MISMATCH`: the installed tfjs backend is not the one this package carries the binary of
 * - `ALREADY_STARTED`: the backend was started before `useWasm()` in a way kernels cannot join
 * - `START_FAILED`: tfjs could not start its backend
 * - `OUT_OF_MEMORY`: the backend's heap (at most 4 GB) is full
 * - `THREAD_FAILED`: a thread ended in the midst of its work, or stopped answering
 * - `BAD_INPUT`: a kernel was given shapes, types or indices that do not fit
 */
export type WasmErrorCode =
  | 'WASM_UNSUPPORTED'
  | 'WASM_BLOCKED'
  | 'VERSION_MISMATCH'
  | 'ALREADY_STARTED'
  | 'START_FAILED'
  | 'OUT_OF_MEMORY'
  | 'THREAD_FAILED'
  | 'BAD_INPUT';

/** An error a caller can act on: `code` is stable, `message` says what, where and what to do. */
export class WasmError extends Error {
  override readonly name: string = 'WasmError';
  constructor(
    readonly code: WasmErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
