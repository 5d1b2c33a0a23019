import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

test('after useWasm, an error that nobody catches ends Node as it does without', () => {
  const entry = new URL('../dist/index.js', import.meta.url);
  const script = `import { useWasm } from '${entry}'; await useWasm(); throw new Error('of the user');`;
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('..', import.meta.url)) },
  );
  expect(stderr).toContain('Error: of the user');
  expect(stderr).not.toContain('tf-backend-wasm');
  expect(status).toBe(1);
});
