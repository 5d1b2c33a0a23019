import { readFileSync } from 'node:fs';
import type { Values } from './backends.js';

export type Fixture = Record<string, Values>;

/** The cases of a fixture of `tooling/reference/ops.py`: tensors by the name after the case's. */
export function readCases(name: string): [string, Fixture][] {
  const file = readFileSync(new URL(`../fixtures/${name}.safetensors`, import.meta.url));
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { dtype: 'F32' | 'I32'; shape: number[]; data_offsets: [number, number] }
  >;
  const cases = new Map<string, Fixture>();
  for (const [key, { dtype, shape, data_offsets }] of Object.entries(header)) {
    const bytes = Uint8Array.from(file.subarray(8 + headerBytes).subarray(...data_offsets));
    const values = dtype === 'F32' ? new Float32Array(bytes.buffer) : new Int32Array(bytes.buffer);
    const [group, tensor] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)];
    cases.set(group, { ...cases.get(group), [tensor]: { shape, values } });
  }
  return [...cases];
}
