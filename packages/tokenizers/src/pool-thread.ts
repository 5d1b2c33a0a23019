import { nodeModule } from './node-files.js';
import type { Answer, Job } from './pool-worker.js';

/** A worker of Node's or of a page's. */
export interface Thread {
  post(job: Job): void;
  /** Whether Node is to wait for it rather than end. */
  hold(isWorking: boolean): void;
  /** `fail` is called when the thread has ended by itself, or cannot go on. */
  listen(take: (answer: Answer) => void, fail: (reason: unknown) => void): void;
  terminate(): unknown;
}

export function startThread(): Thread {
  const threads = nodeModule<typeof import('node:worker_threads')>('worker_threads');
  if (threads) {
    const worker = new threads.Worker(new URL('./pool-worker.js', import.meta.url));
    return {
      post: (job) => worker.postMessage(job),
      hold: (isWorking) => (isWorking ? worker.ref() : worker.unref()),
      listen: (take, fail) => {
        worker.on('message', take).on('error', fail).on('messageerror', fail);
        worker.on('exit', (code) => fail(`it ended with code ${code}`));
      },
      terminate: () => worker.terminate(),
    };
  }
  // Written as bundlers look for it.
  const worker = new Worker(new URL('./pool-worker.js', import.meta.url), { type: 'module' });
  return {
    post: (job) => worker.postMessage(job),
    hold: () => {},
    listen: (take, fail) => {
      worker.addEventListener('message', ({ data }) => take(data as Answer));
      worker.addEventListener('error', ({ message }) => fail(message || 'it cannot be started'));
      worker.addEventListener('messageerror', () => fail('its answer cannot be read'));
    },
    terminate: () => worker.terminate(),
  };
}
