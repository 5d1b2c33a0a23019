// Node's own modules. They are not imported by need, because a bundler could then not make one script
// of a worker that reads tokenizers.

/** A module of Node's, undefined in a page. */
export function nodeModule<T>(name: string): T | undefined {
  return globalThis.process?.versions?.node ? (process.getBuiltinModule(name) as T) : undefined;
}

export const fileSystem = (): typeof import('node:fs/promises') | undefined =>
  nodeModule('fs/promises');
