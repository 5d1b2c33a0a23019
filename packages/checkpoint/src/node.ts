/// <reference types="node" />
import type * as fs from 'node:fs/promises';
import type * as os from 'node:os';
import type * as path from 'node:path';
import type * as url from 'node:url';

export interface NodeModules {
  fs: typeof fs;
  os: typeof os;
  path: typeof path;
  url: typeof url;
  process: NodeJS.Process;
}

/**
 * Node's modules, or undefined in a browser. There is no import for a bundler to follow: Node 20.16 and
 * later hand out their own modules by a call.
 */
export function nodeModules(): NodeModules | undefined {
  const { process } = globalThis as { process?: NodeJS.Process };
  if (typeof process?.getBuiltinModule !== 'function') return undefined;
  return {
    fs: process.getBuiltinModule('node:fs/promises'),
    os: process.getBuiltinModule('node:os'),
    path: process.getBuiltinModule('node:path'),
    url: process.getBuiltinModule('node:url'),
    process,
  };
}
