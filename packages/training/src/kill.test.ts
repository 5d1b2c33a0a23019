import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Random } from '@multihead/nn';

const script = fileURLToPath(new URL('../test/train-bert.mjs', import.meta.url));
const STEPS = 24;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'multihead-kill-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Death {
  /** SIGKILL from outside once this step is reported. */
  step?: number;
  /** SIGKILL by itself right before this change to the disk. */
  change?: number;
}

/** Trains until it is done or killed: the steps it took, and what ended it. */
async function sitting(folder: string, { step: last, change }: Death = {}) {
  const args = [script, folder, ...(change === undefined ? [] : [String(change)])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  const steps: number[] = [];
  for await (const line of createInterface(child.stdout)) {
    steps.push(Number(line.split(' ')[1]));
    if (steps.at(-1) === last) child.kill('SIGKILL');
  }
  return { steps, end: await ended };
}

/** Everything in the last checkpoint, but for the time it took. */
async function outcome(folder: string) {
  const at = join(folder, `checkpoint-${STEPS}`);
  const files: Record<string, string> = {};
  for (const name of (await readdir(at)).sort()) {
    const text = (await readFile(join(at, name))).toString('latin1');
    files[name] = name === 'trainer_state.json' ? text.replace(/"seconds": .*/, '') : text;
  }
  return files;
}

test('killed after steps and within the writing of checkpoints, a run of BERT ends bit-identical', async () => {
  const whole = join(root, 'whole');
  const straight = await sitting(whole);
  expect(straight).toEqual({
    steps: Array.from({ length: STEPS }, (_, i) => i + 1),
    end: 'code 0',
  });

  const killed = join(root, 'killed');
  const random = new Random(2026, 'kill');
  let from = 0;
  for (let round = 0; round < 6; round++) {
    // Odd rounds: somewhere in the first or second checkpoint. Even rounds: some steps further on.
    const death =
      round % 2 ? { change: 3 + random.below(30) } : { step: from + 1 + random.below(5) };
    const { steps, end } = await sitting(killed, death);
    expect(end).toBe('SIGKILL');
    if (steps.length === 0) continue;
    // It went on from a checkpoint: at most the steps since the last one are done again.
    expect(steps[0]! - 1).toBeLessThanOrEqual(from);
    expect((steps[0]! - 1) % 3).toBe(0);
    expect(steps[0]).toBeGreaterThan(from - 3);
    from = steps.at(-1)!;
  }
  expect(from).toBeGreaterThan(0);
  const { steps, end } = await sitting(killed);
  expect(end).toBe('code 0');
  expect(steps.at(-1)).toBe(STEPS);

  const { log_history: log } = JSON.parse(
    await readFile(join(whole, `checkpoint-${STEPS}`, 'trainer_state.json'), 'utf8'),
  );
  const rates = log.flatMap((entry: { learning_rate?: number }) => entry.learning_rate ?? []);
  expect(rates.at(-1)).toBeLessThan(rates[0] / 2); // by what evaluations measured

  expect(Object.keys(await outcome(whole))).toEqual([
    'config.json',
    'model.safetensors',
    'optimizer.safetensors',
    'trainer_state.json',
  ]);
  expect(await outcome(killed)).toEqual(await outcome(whole));
}, 120_000);
