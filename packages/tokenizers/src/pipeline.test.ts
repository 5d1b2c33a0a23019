import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Encoding } from './encoding.js';
import { loadTokenizer } from './load-tokenizer.js';
import { Tokenizer } from './tokenizer.js';
import { tokenizerFiles } from './write-files.js';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'));
const { texts } = read('word-piece.json') as { texts: string[] };
const fixture = read('pipeline.json') as {
  models: Record<string, object>;
  runs: { name: string; tokenizer: { model: string }; sums: number[]; decoded: number[] }[];
};

/** As the generating script has it: eight texts to a checksum. */
function grouped<T>(items: readonly T[]): T[][] {
  return items.flatMap((_, i) => (i % 8 === 0 ? [items.slice(i, i + 8)] : []));
}

function checksum(encodings: Encoding[]): number {
  const numbers = encodings.flatMap(({ ids, offsets, wordIds }) => [
    ...[...ids, -1],
    ...[...offsets.flat(), -1],
    ...[...wordIds.map((word) => word ?? -1), -1],
  ]);
  return crc32(new Uint8Array(Int32Array.from(numbers).buffer));
}

function loadRun(run: (typeof fixture.runs)[number]): Promise<Tokenizer> {
  const json = { ...run.tokenizer, model: fixture.models[run.tokenizer.model] };
  return loadTokenizer({ 'tokenizer.json': JSON.stringify(json) });
}

describe(`equal to the reference over ${texts.length} hard texts: ids, offsets, words, and what is decoded`, () => {
  for (const run of fixture.runs) {
    test(run.name, async () => {
      const tokenizer = await loadRun(run);
      const encodings = texts.map((text) => tokenizer.encode(text));
      const decoded = encodings.map(({ ids }) => (ids.length > 0 ? tokenizer.decode(ids) : ''));
      expect(grouped(encodings).map(checksum)).toEqual(run.sums);
      expect(grouped(decoded).map((group) => crc32(group.join('\0')))).toEqual(run.decoded);
    });

    test(`${run.name}: written, read back, and without its fast path`, async () => {
      const { parts } = await loadTokenizer(tokenizerFiles(await loadRun(run)));
      const tokenizer = new Tokenizer({ ...parts, chunkEnd: undefined });
      const encodings = texts.map((text) => tokenizer.encode(text));
      expect(grouped(encodings).map(checksum)).toEqual(run.sums);
    });
  }
});
