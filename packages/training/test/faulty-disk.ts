import type { FileHandle } from 'node:fs/promises';

type Operation = (...args: unknown[]) => Promise<unknown>;

/** Stands between the code and Node's file system; counts what changes the disk. */
export interface FaultyDisk {
  /** Changes so far. */
  readonly count: number;
  restore(): void;
}

const changes = ['open', 'mkdir', 'rename', 'rm', 'rmdir', 'chmod'] as const;
const growing = ['open', 'mkdir', 'write'];

/**
 * From change number `at` on (counted from 1):
 *
 * - `crash`: nothing reaches the disk any more, as after the process was killed; of the write it hits,
 *   a half still does
 * - `full`: what needs space fails with ENOSPC
 */
export function faultyDisk(kind: 'crash' | 'full', at: number): FaultyDisk {
  const fs = process.getBuiltinModule('node:fs/promises') as unknown as Record<string, Operation>;
  const originals = new Map<string, Operation>();
  let count = 0;

  /** Runs the operation unless the disk refuses it. */
  async function change(name: string, run: () => Promise<unknown>, half?: () => Promise<unknown>) {
    count++;
    if (count < at || (kind === 'full' && !growing.includes(name))) return run();
    if (count === at && half) await half();
    throw kind === 'full'
      ? Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
      : new Error('the process is dead');
  }

  for (const name of changes) {
    const original = fs[name]!;
    originals.set(name, original);
    fs[name] = (...args) => {
      if (name === 'open' && (args[1] === undefined || args[1] === 'r')) return original(...args);
      return change(name, () => original(...args)).then((result) =>
        name === 'open' ? watched(result as FileHandle) : result,
      );
    };
  }

  function watched(handle: FileHandle): FileHandle {
    const write = handle.write.bind(handle) as unknown as (
      data: Uint8Array,
      offset: number,
      length: number,
    ) => Promise<unknown>;
    return Object.assign(handle, {
      write: (data: Uint8Array, offset = 0, length = data.byteLength - offset) =>
        change(
          'write',
          () => write(data, offset, length),
          () => write(data, offset, length >> 1),
        ),
      sync: () => change('sync', async () => {}), // slow, and of no consequence to a living system
    });
  }

  return {
    get count() {
      return count;
    },
    restore: () => {
      for (const [name, original] of originals) fs[name] = original;
    },
  };
}
