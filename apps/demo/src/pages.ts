import type { ComponentType } from 'preact';

export interface Page {
  /** What stands after `#/` in the address. */
  path: string;
  title: string;
  load: () => Promise<ComponentType>;
}

/** The pages in the order of the navigation; each is fetched when it is first shown. */
export const pages: readonly Page[] = [
  {
    path: 'fill-mask',
    title: 'Fill in the blank',
    load: async () => (await import('./fill-mask/page.js')).FillMaskPage,
  },
  {
    path: 'write',
    title: 'Write',
    load: async () => (await import('./write/page.js')).WritePage,
  },
  {
    path: 'memory',
    title: 'Remember',
    load: async () => (await import('./memory/page.js')).MemoryPage,
  },
  {
    path: 'tokens',
    title: 'Tokens',
    load: async () => (await import('./tokens/page.js')).TokensPage,
  },
  {
    path: 'about',
    title: 'About',
    load: async () => (await import('./about.js')).AboutPage,
  },
];
