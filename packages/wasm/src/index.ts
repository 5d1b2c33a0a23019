export { WasmError, type WasmErrorCode } from './errors.js';
export { type UseWasmOptions, useWasm, type WasmInfo } from './use-wasm.js';
export type { WasmVariant } from './variant.js';
