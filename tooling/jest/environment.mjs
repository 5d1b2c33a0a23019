// Gives tests the host's binary-data classes, so that `instanceof` and matchers agree with what fs,
// structuredClone, workers and WebAssembly memories hand out.
import { TestEnvironment } from 'jest-environment-node';

const shared = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'WebAssembly',
];

export default class HostRealmEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of shared) this.global[name] = globalThis[name];
  }
}
