#!/usr/bin/env node
// Runs jest for the package in the working directory, with the flag that ES modules need, and
// leaves the counts in test-results.json, from which the root's summary is added up.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    '--expose-gc',
    jest,
    '--runInBand',
    '--json',
    '--outputFile=test-results.json',
    ...process.argv.slice(2),
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
process.exit(status ?? 1);
