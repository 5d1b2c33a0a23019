// Packs every public package as npm would publish it and checks the tarballs: their metadata
// (publint), their types (attw), and that they install with plain npm in an empty project, where the
// README's first example must run and print what the README says.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'multihead-packages-'));
const tarballs = join(work, 'tarballs');

function run(command, args, cwd = root) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
}

/** The first block of this language in the text. */
function firstBlock(text, language) {
  const found = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(text);
  if (found === null) throw new Error(`The README has no ${language} block.`);
  return found[1];
}

try {
  run('pnpm', ['-r', '--filter', './packages/*', 'pack', '--pack-destination', tarballs]);
  const files = readdirSync(tarballs).map((name) => join(tarballs, name));
  for (const file of files) {
    run('pnpm', ['exec', 'publint', '--strict', file]);
    run('pnpm', ['exec', 'attw', file, '--profile', 'esm-only']);
  }
  console.log(`${files.length} tarballs pass publint and attw.`);

  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const project = join(work, 'project');
  run('mkdir', [project]);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  run('npm', ['install', '--no-audit', '--no-fund', ...files], project);
  run('cp', ['-r', join(root, 'models'), project]);
  writeFileSync(join(project, 'example.mjs'), firstBlock(readme, 'js'));
  const printed = run('node', ['example.mjs'], project);
  const promised = firstBlock(readme, 'text');
  if (printed.trim() !== promised.trim()) {
    throw new Error(
      `The README's example printed\n${printed}\nand the README promises\n${promised}`,
    );
  }
  console.log('Installed from tarballs with npm; the README example prints what it promises.');
} finally {
  rmSync(work, { recursive: true, force: true });
}
