import { afterEach, expect, test } from '@jest/globals';
import { yieldToEventLoop } from './event-loop.js';

const { setImmediate } = globalThis;
afterEach(() => {
  globalThis.setImmediate = setImmediate;
});

/** Whether other tasks have their turn while one only ever yields. */
async function othersComeThrough(): Promise<boolean> {
  let came = false;
  setTimeout(() => {
    came = true;
  }, 1);
  for (let turns = 0; turns < 100_000 && !came; turns++) await yieldToEventLoop();
  return came;
}

test('timers come through in Node', async () => {
  expect(await othersComeThrough()).toBe(true);
});

test('and in a browser, which has no setImmediate', async () => {
  Reflect.deleteProperty(globalThis, 'setImmediate');
  expect(await othersComeThrough()).toBe(true);
});
