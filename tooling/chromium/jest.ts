// What tests use of jest, for a page: chromium.ts bundles a test with this file in the
// place of @jest/globals. `run` is what the page then calls.
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';
import * as chai from 'chai';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
export const { expect } = chai;

type Step = () => unknown;
const hookNames = ['beforeAll', 'beforeEach', 'afterEach', 'afterAll'] as const;

class Block {
  readonly hooks = { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] } as Record<
    (typeof hookNames)[number],
    Step[]
  >;
  readonly entries: (Block | { name: string; body: Step })[] = [];
  constructor(readonly name: string) {}
}

let current = new Block('');

const hook = (name: (typeof hookNames)[number]) => (step: Step) => {
  current.hooks[name].push(step);
};
export const [beforeAll, beforeEach, afterEach, afterAll] = hookNames.map(hook);

/** `f(name, body)` and `f.each(cases)(name, body)`, where %s in the name is the case. */
function eachable(declare: (name: string, body: Step) => void) {
  const each =
    <T>(cases: readonly T[]) =>
    (name: string, body: (value: T) => unknown) => {
      for (const value of cases) declare(name.replace('%s', String(value)), () => body(value));
    };
  return Object.assign(declare, { each });
}

export const test = eachable((name, body) => {
  current.entries.push({ name, body });
});

export const describe = eachable((name, body) => {
  const outer = current;
  current = new Block(name);
  outer.entries.push(current);
  body();
  current = outer;
});

/** What became of each test; no error where it passed. */
export interface Result {
  name: string;
  error?: string;
}

/** Runs what the test file declared. */
export function run(): Promise<Result[]> {
  return runBlock([current]);
}

async function runBlock(path: Block[]): Promise<Result[]> {
  const block = path.at(-1)!;
  const results: Result[] = [];
  for (const step of block.hooks.beforeAll) await step();
  for (const entry of block.entries) {
    if (entry instanceof Block) {
      results.push(...(await runBlock([...path, entry])));
      continue;
    }
    const name = [...path.map(({ name }) => name), entry.name].filter(Boolean).join(' › ');
    try {
      for (const { hooks } of path) for (const step of hooks.beforeEach) await step();
      await entry.body();
      for (const { hooks } of path.toReversed()) for (const step of hooks.afterEach) await step();
      results.push({ name });
    } catch (error) {
      results.push({ name, error: String((error as Error)?.stack ?? error) });
    }
  }
  for (const step of block.hooks.afterAll) await step();
  return results;
}

/** In the place of node:v8: a page has no flags to set. */
export function setFlagsFromString(): void {}
