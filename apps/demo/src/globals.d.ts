/** The files of the built site with a hash of each; see vite.config.ts. */
declare const __FILES__: Record<string, string>;
