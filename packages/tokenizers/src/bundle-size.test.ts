import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

/** What a page has to fetch for these exports of the built package: minified, gzipped, in bytes. */
async function sizeOf(exports: string): Promise<number> {
  const resolveDir = fileURLToPath(new URL('../dist', import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: `export ${exports} from './index.js';`, resolveDir },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    outdir: 'out',
    write: false,
  });
  const entry = outputFiles.find(({ path }) => path.endsWith('stdin.js'))!;
  return gzipSync(entry.contents, { level: 9 }).length;
}

describe('a page pays for what it uses', () => {
  const budgets: [exports: string, kilobytes: number][] = [
    ['{ BertTokenizer }', 14.2],
    ['{ GPT2Tokenizer }', 14.5],
    ['{ TransfoXLTokenizer }', 12.3],
    ['{ loadTokenizer }', 24.5],
    ['*', 27],
  ];
  for (const [exports, kilobytes] of budgets) {
    test(`${exports}: at most ${kilobytes} kB gzipped`, async () => {
      const size = await sizeOf(exports);
      expect(size).toBeGreaterThan(5000);
      expect(size).toBeLessThanOrEqual(kilobytes * 1000);
    });
  }
});
