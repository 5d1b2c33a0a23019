import { afterEach, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { WasmError } from './errors.js';
import { memoryOf, requireVersion, type WasmBackend } from './tfjs-backend.js';
import { useWasm } from './use-wasm.js';

afterEach(() => {
  jest.restoreAllMocks();
});

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof WasmError ? error.code : String(error)),
  );

/** A product by tfjs itself and one by our kernel. */
function products(): number[] {
  return tf.tidy(() => {
    const a = tf.ones([2, 3]);
    const ours = tf.engine().runKernel('MhMatMul', { a, b: a }, { transposeB: true }) as tf.Tensor;
    return [tf.matMul(a, a, false, true), ours].map((tensor) => tensor.dataSync()[0]!);
  });
}

test('concurrent and repeated calls start one backend and say what runs', async () => {
  const [first, second] = await Promise.all([useWasm(), useWasm()]);
  const backend = tf.backend();
  const third = await useWasm();
  expect(first).toEqual(second);
  expect(third).toEqual(first);
  expect(first.backend).toBe('wasm');
  expect(first.tfjsVersion).toBe('4.22.0');
  expect(first.kernels).toContain('MhAttentionGrad');
  expect(['simd', 'relaxed-simd']).toContain(first.variant);
  expect(tf.getBackend()).toBe('wasm');
  expect(tf.backend()).toBe(backend);
  expect(products()).toEqual([3, 3]);
});

test('goes back to wasm when another backend was chosen meanwhile', async () => {
  tf.registerBackend('other', () => new tf.KernelBackend());
  await tf.setBackend('other');
  await useWasm();
  expect(tf.getBackend()).toBe('wasm');
});

test('kernels: false leaves only stock tfjs, and a later call brings ours back', async () => {
  expect((await useWasm({ kernels: false })).kernels).toEqual([]);
  expect(tf.getKernelsForBackend('wasm').some(({ kernelName }) => /^Mh/.test(kernelName))).toBe(
    false,
  );
  await useWasm();
  expect(products()).toEqual([3, 3]);
});

test('after a reset of tfjs kernels ask for useWasm, which starts the backend again', async () => {
  const before = tf.backend();
  delete tf.engine().registry.wasm;
  await tf.setBackend('wasm');
  expect(() => products()).toThrow(expect.objectContaining({ code: 'START_FAILED' }));
  await useWasm();
  expect(tf.backend()).not.toBe(before);
  expect(products()).toEqual([3, 3]);
});

test('the asked variant runs, an unknown one is refused', async () => {
  expect((await useWasm({ variant: 'simd' })).variant).toBe('simd');
  expect(await codeOf(useWasm({ variant: 'mmx' as 'simd' }))).toBe('BAD_INPUT');
});

test('without SIMD, or a variant of it, the error says WASM_UNSUPPORTED', async () => {
  jest.spyOn(WebAssembly, 'validate').mockReturnValue(false);
  expect(await codeOf(useWasm())).toBe('WASM_UNSUPPORTED');
  expect(await codeOf(useWasm({ variant: 'relaxed-simd' }))).toBe('WASM_UNSUPPORTED');
});

test('without WebAssembly the error says WASM_UNSUPPORTED', async () => {
  const { WebAssembly: kept } = globalThis;
  Reflect.deleteProperty(globalThis, 'WebAssembly');
  try {
    expect(await codeOf(useWasm())).toBe('WASM_UNSUPPORTED');
  } finally {
    globalThis.WebAssembly = kept;
  }
  expect(await codeOf(useWasm())).toBe('no error');
});

test('where compiling is forbidden the error names the policy', async () => {
  jest.spyOn(WebAssembly, 'compile').mockRejectedValue(new Error('unsafe-eval'));
  const error = await useWasm().catch((caught: unknown) => caught as WasmError);
  expect(error).toMatchObject({ name: 'WasmError', code: 'WASM_BLOCKED' });
  expect((error as WasmError).message).toContain("'wasm-unsafe-eval'");
});

test('a tfjs of another version is refused, saying which to install', () => {
  expect(() => requireVersion('4.22.0')).not.toThrow();
  expect(() => requireVersion('4.23.1')).toThrow(
    /is 4\.23\.1, but .* 4\.22\.0\. Install @tensorflow\/tfjs-backend-wasm@4\.22\.0/,
  );
});

test('a threaded backend that runs already is refused', () => {
  const threaded = { wasm: {} } as WasmBackend;
  expect(() => memoryOf(threaded)).toThrow(expect.objectContaining({ code: 'ALREADY_STARTED' }));
});

test('what the heap cannot hold is an error, and nothing leaks', async () => {
  await useWasm();
  const before = tf.memory().numTensors;
  const dataIds = tf.engine().backend.numDataIds();
  const held = tf.zeros([2 ** 26]);
  for (const n of [32000, 70000])
    expect(() =>
      tf.tidy(() =>
        tf.engine().runKernel('MhMatMul', { a: tf.zeros([n, 0]), b: tf.zeros([0, n]) }),
      ),
    ).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
  held.dispose();
  expect(tf.memory().numTensors).toBe(before);
  expect(tf.engine().backend.numDataIds()).toBe(dataIds);
  expect(products()).toEqual([3, 3]);
});
