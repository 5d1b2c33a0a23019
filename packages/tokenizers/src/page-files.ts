// What takes the place of `node-files.ts` in pages.

export const nodeModule = (): undefined => undefined;
export const fileSystem = (): undefined => undefined;
export const readDisk = (_place: string): undefined => undefined;
