import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

/** What a page fetches in all for these exports of a file of the built package: minified, gzipped, in bytes. */
async function sizeOf(exports: string, file: string): Promise<number> {
  const resolveDir = fileURLToPath(new URL('../dist', import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: `export ${exports} from './${file}';`, resolveDir },
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
  const budgets: [exports: string, kilobytes: number, file?: string][] = [
    ['{ WordPieceTokenizer }', 8, 'word-piece-tokenizer.js'],
    ['{ BertTokenizer }', 10],
    ['{ GPT2Tokenizer }', 10],
    ['{ OpenAIGPTTokenizer }', 10],
    ['{ TransfoXLTokenizer }', 10],
    ['{ loadTokenizer }', 18],
    ['*', 25],
  ];
  for (const [exports, kilobytes, file = 'index.js'] of budgets) {
    test(`${exports}: at most ${kilobytes} kB gzipped`, async () => {
      const size = await sizeOf(exports, file);
      expect(size).toBeGreaterThan(5000);
      expect(size).toBeLessThanOrEqual(kilobytes * 1000);
    });
  }
});
