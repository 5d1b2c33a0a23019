import {
  type DataType,
  getKernel,
  type KernelConfig,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { WasmError } from './errors.js';
import { memoryOf, type WasmBackend } from './tfjs-backend.js';
import type { CompiledKernels } from './variant.js';

/** What the AssemblyScript modules export: functions of addresses, sizes and scalars. */
type KernelExports = Record<string, (...args: (number | boolean)[]) => number>;

/** What a kernel's implementation is given. */
export interface KernelCall {
  /** The binary's functions. */
  wasm: KernelExports;
  /** Which binary that is. */
  variant: CompiledKernels['variant'];
  inputs: NamedTensorInfoMap;
  attrs: Record<string, unknown>;
  /** The address of a tensor's data, to be asked after the last allocation of a call only. */
  address(tensor: TensorInfo): number;
  /** A new tensor, its contents undefined. */
  output(shape: number[], dtype?: DataType): TensorInfo;
  /** A new int32 tensor of these values. */
  constant(values: Int32Array, shape: number[]): TensorInfo;
  /** A tensor of the same memory as an input. */
  share(tensor: TensorInfo): TensorInfo;
  /**
   * A tensor to write in place of an input that will not be read again: in the input's memory, or in
   * memory of its own where another tensor has the same (a clone, say).
   */
  takeOver(tensor: TensorInfo): TensorInfo;
  /** What a kernel of tfjs's own makes of these. */
  stock(name: string, inputs: NamedTensorInfoMap, attrs?: NamedAttrMap): TensorInfo;
  /** The address of memory that lasts until the kernel returns or throws. */
  scratch(floats: number): number;
}

/** One of our kernels: its name in tfjs's registry and what it does. */
export interface Kernel {
  name: string;
  run(call: KernelCall): TensorInfo | TensorInfo[];
}

const linked = new WeakMap<
  WasmBackend,
  { wasm: KernelExports; variant: CompiledKernels['variant'] }
>();

/** Ties compiled kernels to a backend's memory. */
export async function link(backend: WasmBackend, kernels: CompiledKernels): Promise<void> {
  if (linked.get(backend)?.variant === kernels.variant) return;
  const env = { memory: memoryOf(backend) };
  const { exports } = await WebAssembly.instantiate(kernels.module, { env });
  linked.set(backend, { wasm: exports as KernelExports, variant: kernels.variant });
}

/**
 * The kernel as tfjs registers it. Scratch memory is freed whatever happens, and outputs that are not
 * returned: intermediate ones, and on errors all.
 */
export function toConfig({ name, run }: Kernel): KernelConfig {
  return {
    kernelName: name,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend: anyBackend }) => {
      const backend = anyBackend as WasmBackend;
      const link = linked.get(backend);
      if (!link)
        throw new WasmError(
          'START_FAILED',
          `${name}: the wasm backend was started again without the kernels. Call useWasm() again.`,
        );
      const outputs: TensorInfo[] = [];
      const scratches: TensorInfo[] = [];
      const allocate = (shape: number[], dtype: DataType) => {
        const bytes = 4 * shape.reduce((size, length) => size * length, 1);
        // The backend's malloc answers 0 when its heap is full, and tfjs would write there.
        const tensor = bytes < 2 ** 32 ? backend.makeOutput(shape, dtype) : undefined;
        if (tensor && (bytes === 0 || address(tensor) !== 0)) return tensor;
        if (tensor) backend.disposeData(tensor.dataId);
        throw new WasmError(
          'OUT_OF_MEMORY',
          `${name} needs ${bytes} more bytes, which the backend's heap (at most 4 GB) does not have. ` +
            'Dispose tensors, or make the batch smaller.',
        );
      };
      const output = (shape: number[], dtype: DataType) => {
        const tensor = allocate(shape, dtype);
        outputs.push(tensor);
        return tensor;
      };
      const share = ({ dataId, shape, dtype }: TensorInfo) => {
        backend.incRef(dataId);
        outputs.push({ dataId, shape, dtype });
        return { dataId, shape, dtype };
      };
      const address = ({ dataId }: TensorInfo) => backend.dataIdMap.get(dataId).memoryOffset;
      const call: KernelCall = {
        ...link,
        inputs: inputs as NamedTensorInfoMap,
        attrs: (attrs ?? {}) as Record<string, unknown>,
        address,
        output: (shape, dtype = 'float32') => output(shape, dtype),
        constant: (values, shape) => {
          const tensor = output(shape, 'int32');
          backend.typedArrayFromHeap(tensor).set(values);
          return tensor;
        },
        share,
        takeOver: (tensor) =>
          backend.refCount(tensor.dataId) === 1 ? share(tensor) : output(tensor.shape, 'float32'),
        stock: (name, inputs, attrs = {}) => {
          const { kernelFunc } = getKernel(name, 'wasm');
          const tensor = kernelFunc({ inputs, attrs, backend }) as TensorInfo;
          outputs.push(tensor);
          return tensor;
        },
        scratch: (floats) => {
          const tensor = allocate([floats], 'float32');
          scratches.push(tensor);
          return address(tensor);
        },
      };
      try {
        const results = run(call);
        const returned = new Set([results].flat().map(({ dataId }) => dataId));
        for (const { dataId } of outputs) if (!returned.has(dataId)) backend.disposeData(dataId);
        return results;
      } catch (error) {
        for (const tensor of outputs) backend.disposeData(tensor.dataId);
        throw error;
      } finally {
        for (const tensor of scratches) backend.disposeData(tensor.dataId);
      }
    },
  };
}

/** The named input, of the wanted type. */
export function input(
  { inputs }: KernelCall,
  kernel: string,
  name: string,
  dtype: DataType = 'float32',
): TensorInfo {
  const tensor = inputs[name];
  if (!tensor) throw new WasmError('BAD_INPUT', `${kernel} needs the input "${name}".`);
  if (tensor.dtype !== dtype)
    throw new WasmError('BAD_INPUT', `${kernel}: "${name}" is ${tensor.dtype}, not ${dtype}.`);
  return tensor;
}

/** Throws unless `holds`. */
export function check(holds: boolean, kernel: string, message: () => string): asserts holds {
  if (!holds) throw new WasmError('BAD_INPUT', `${kernel}: ${message()}`);
}

/** How many elements a shape has. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}
