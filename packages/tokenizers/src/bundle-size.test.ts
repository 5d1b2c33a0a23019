import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

/** What a page fetches in all for these exports of the built package: minified, gzipped, in bytes. */
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
  return outputFiles.reduce(
    (sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length,
    0,
  );
}

describe('a page pays for what it uses', () => {
  const budgets: [exports: string, kilobytes: number][] = [
    ['{ BertTokenizer }', 13.3],
    ['{ GPT2Tokenizer }', 14.6],
    ['{ TransfoXLTokenizer }', 12.6],
    ['{ loadTokenizer }', 23],
    ['*', 25],
  ];
  for (const [exports, kilobytes] of budgets) {
    test(`${exports}: at most ${kilobytes} kB gzipped`, async () => {
      const size = await sizeOf(exports);
      expect(size).toBeGreaterThan(5000);
      expect(size).toBeLessThanOrEqual(kilobytes * 1000);
    });
  }
});
