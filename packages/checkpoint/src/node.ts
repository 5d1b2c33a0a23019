// What is used of Node, typed by hand: with Node's own types in our declarations every TypeScript user,
// also one who writes for browsers, would need @types/node.

export interface NodeFileHandle {
  stat(): Promise<NodeStats>;
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position?: number,
  ): Promise<{ bytesRead: number }>;
  write(buffer: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

interface NodeStats {
  isFile(): boolean;
  isDirectory(): boolean;
  size: number;
  mode: number;
}

interface NodeFs {
  open(path: string, flags: 'r' | 'wx'): Promise<NodeFileHandle>;
  stat(path: string): Promise<NodeStats>;
  readdir(path: string): Promise<string[]>;
  readFile(path: string, encoding: 'utf8'): Promise<string>;
  realpath(path: string): Promise<string>;
  /** The first folder that had to be made. */
  mkdir(path: string, options: { recursive: true }): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { recursive?: boolean; force?: boolean }): Promise<void>;
  rmdir(path: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
}

interface NodePath {
  join(...parts: string[]): string;
  resolve(path: string): string;
  dirname(path: string): string;
  basename(path: string): string;
}

interface NodeProcess {
  readonly pid: number;
  readonly platform: string;
  readonly env: Record<string, string | undefined>;
  kill(pid: number, signal: 0): unknown;
}

export interface NodeModules {
  fs: NodeFs;
  os: { homedir(): string };
  path: NodePath;
  url: { fileURLToPath(url: string): string };
  process: NodeProcess;
}

/**
 * Node's modules, or undefined in a browser. There is no import for a bundler to follow: Node 20.16 and
 * later hand out their own modules by a call.
 */
export function nodeModules(): NodeModules | undefined {
  type Builtins = { getBuiltinModule?(name: string): unknown };
  const { process } = globalThis as { process?: NodeProcess & Builtins };
  if (typeof process?.getBuiltinModule !== 'function') return undefined;
  const builtin = <T>(name: string) => process.getBuiltinModule?.(`node:${name}`) as T;
  return {
    fs: builtin('fs/promises'),
    os: builtin('os'),
    path: builtin('path'),
    url: builtin('url'),
    process,
  };
}
