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
import { CONTROL_BYTES, inNode, MAX_PARTS, ThreadPool } from './threads.js';
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
  /** What a kernel of tfjs's own makes of these: a tensor, or several where it makes several. */
  stock<Made extends TensorInfo | TensorInfo[] = TensorInfo>(
    name: string,
    inputs: NamedTensorInfoMap,
    attrs?: NamedAttrMap,
  ): Made;
  /** The address of memory that lasts until the kernel returns or throws. */
  scratch(floats: number): number;
  /**
   * Parts of `units` for the threads there are, as ranges [from, to) of about equal length and at
   * least `grain`, which divides each `from`; one part where a thread would get less than is worth it,
   * `workPerUnit` being about the nanoseconds that one unit takes.
   */
  parts(units: number, workPerUnit: number, grain?: number): [from: number, to: number][];
  /** Makes these calls of a function of the binary, on all threads; gives what each returned. */
  run(name: string, calls: readonly (readonly (number | boolean)[])[]): number[];
}

/** Nanoseconds of work for a thread below which it is done sooner than it is shared out. */
const WORTH = 10_000;

/**
 * Whether the backend's malloc may be asked for so many bytes. It takes 2 GB and more for a negative
 * number, and where that and what the heap has are more than 4 GB, it "succeeds" with memory of others.
 */
function mayAsk(backend: WasmBackend, bytes: number): boolean {
  const slack = 2 ** 20;
  return bytes < 2 ** 31 || bytes + memoryOf(backend).buffer.byteLength + slack < 2 ** 32;
}

/** One of our kernels: its name in tfjs's registry and what it does. */
export interface Kernel {
  name: string;
  run(call: KernelCall): TensorInfo | TensorInfo[];
}

interface Linked {
  wasm: KernelExports;
  variant: CompiledKernels['variant'];
  threads: number;
  pool: ThreadPool | undefined;
}

/** Kernels of tfjs's own that ours stand in the place of, by name. */
export const displaced: Map<string, KernelConfig> = new Map();

const linked = new WeakMap<WasmBackend, Linked>();
/** Where a backend's threads find their work; it stays theirs. */
const controls = new WeakMap<WasmBackend, number>();

/** Ties compiled kernels to a backend's memory, and to threads where it is shared; says to how many. */
export async function link(
  backend: WasmBackend,
  { module, variant, sharedMemory }: CompiledKernels,
  threads: number,
): Promise<number> {
  const before = linked.get(backend);
  const memory = memoryOf(backend);
  const size = sharedMemory ? threads : 1;
  if (before?.variant === variant && before.threads === size) return size;
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  before?.pool?.dispose();
  let pool: ThreadPool | undefined;
  if (size > 1) {
    const control = controls.get(backend) ?? backend.wasm._malloc(CONTROL_BYTES);
    controls.set(backend, control);
    pool = new ThreadPool(size, memory, module, exports, control);
  }
  if (!inNode()) await pool?.start();
  linked.set(backend, { wasm: exports as KernelExports, variant, threads: size, pool });
  return size;
}

/** Ranges for `threads` threads, two for each, so that one that is held up holds up less. */
function divide(units: number, least: number, grain: number, threads: number): [number, number][] {
  const count = Math.max(1, Math.min(Math.floor(units / least), 2 * threads, MAX_PARTS));
  const edge = (part: number) =>
    part === count ? units : Math.floor((units * part) / count / grain) * grain;
  return Array.from({ length: count }, (_, part) => [edge(part), edge(part + 1)]);
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
      const scratches: number[] = [];
      const requireRoom = (bytes: number, isThere: boolean) => {
        if (isThere) return;
        throw new WasmError(
          'OUT_OF_MEMORY',
          `${name} needs ${bytes} more bytes, which the backend's heap (at most 4 GB) does not have. ` +
            'Dispose tensors, or make the batch smaller.',
        );
      };
      const output = (shape: number[], dtype: DataType) => {
        const bytes = 4 * sizeOf(shape);
        requireRoom(bytes, mayAsk(backend, bytes));
        const tensor = backend.makeOutput(shape, dtype);
        outputs.push(tensor);
        // The backend's malloc answers 0 when its heap is full, and tfjs would write there.
        requireRoom(bytes, bytes === 0 || address(tensor) !== 0);
        return tensor;
      };
      const share = ({ dataId, shape, dtype }: TensorInfo) => {
        backend.incRef(dataId);
        outputs.push({ dataId, shape, dtype });
        return { dataId, shape, dtype };
      };
      const address = ({ dataId }: TensorInfo) => backend.dataIdMap.get(dataId).memoryOffset;
      const call: KernelCall = {
        wasm: link.wasm,
        variant: link.variant,
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
        stock: <Made extends TensorInfo | TensorInfo[]>(
          name: string,
          inputs: NamedTensorInfoMap,
          attrs: NamedAttrMap = {},
        ) => {
          const { kernelFunc } = displaced.get(name) ?? getKernel(name, 'wasm');
          const made = kernelFunc({ inputs, attrs, backend });
          outputs.push(...[made].flat());
          return made as Made;
        },
        scratch: (floats) => {
          const bytes = 4 * floats;
          const at = mayAsk(backend, bytes) ? backend.wasm._malloc(bytes) >>> 0 : 0;
          requireRoom(bytes, at !== 0 || bytes === 0);
          scratches.push(at);
          return at;
        },
        parts: (units, workPerUnit, grain = 1) =>
          link.pool
            ? divide(units, Math.max(WORTH / workPerUnit, grain), grain, link.pool.size)
            : [[0, units]],
        run: (name, calls) =>
          link.pool && calls.length > 1
            ? link.pool.run(name, calls)
            : calls.map((args) => link.wasm[name]!(...args)),
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
        for (const at of scratches) backend.wasm._free(at);
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

/** A tensor that broadcasts over the first `axes` axes of `full`: its address and their strides. */
export function broadcast(
  call: KernelCall,
  kernel: string,
  name: string,
  full: number[],
  axes: number,
): { tensor: TensorInfo | undefined; arguments(): number[] } {
  const tensor = call.inputs[name] && input(call, kernel, name);
  const { shape = full } = tensor ?? {};
  check(
    shape.length === 4 && shape.every((n, axis) => n === full[axis] || (n === 1 && axis < axes)),
    kernel,
    () => `the ${name} is [${shape}], not [${full}] with 1 for a broadcast axis`,
  );
  /** How many floats on the next entry of an axis is. */
  const stride = (axis: number) =>
    tensor && shape[axis] !== 1 ? shape.slice(axis + 1).reduce((a, b) => a * b, 1) : 0;
  const strides = Array.from({ length: axes }, (_, axis) => stride(axis));
  return { tensor, arguments: () => [tensor ? call.address(tensor) : 0, ...strides] };
}
