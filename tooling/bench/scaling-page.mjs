// The page of `threads.mjs --chromium`.
import { compareThreads } from './scaling.mjs';

globalThis.run = (options) =>
  compareThreads({ ...options, models: '/models', say: (text) => console.log(text) });
