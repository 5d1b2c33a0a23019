import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { BertTokenizer } from './bert-tokenizer.js';
import { loadTokenizer } from './load-tokenizer.js';
import type { Tokenizer } from './tokenizer.js';

// Real vocabularies and texts are kept beside the repository, not in it.
const data =
  process.env.MULTIHEAD_SHARED_DATA ??
  fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const isThere = existsSync(data);
if (!isThere)
  console.warn(`Left out: real vocabularies and texts, of which there are none in ${data}`);
const withData = isThere ? test : test.skip;

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/shared-data.json', import.meta.url), 'utf8'),
) as {
  group: number;
  random: { seed: number; count: number; ranges: [number, number][]; snippets: string[] };
  results: {
    vocabulary: string;
    lowercase: boolean | null;
    files: Record<string, number[]>;
    random: number[];
  }[];
};

function loadVocabulary(name: string, lowercase: boolean | null): Promise<Tokenizer> {
  const path = `${data}/vocab/${name}`;
  return lowercase === null
    ? loadTokenizer(path)
    : BertTokenizer.fromPretrained(path, { doLowerCase: lowercase });
}

/** A checksum of ids and offsets for every group of texts, as the generating script has it. */
function checksums(tokenizer: Tokenizer, texts: string[]): number[] {
  const sums: number[] = [];
  for (let at = 0; at < texts.length; at += fixture.group) {
    const numbers: number[] = [];
    for (const text of texts.slice(at, at + fixture.group)) {
      const { ids, offsets } = tokenizer.encode(text, { truncation: false, padding: false });
      for (const id of ids) numbers.push(id);
      numbers.push(-1);
      for (const [start, end] of offsets) numbers.push(start, end);
      numbers.push(-1);
    }
    sums.push(crc32(new Uint8Array(Int32Array.from(numbers).buffer)));
  }
  return sums;
}

/** The random strings of the generating script: mulberry32, and what it picks. */
function randomTexts({ seed, count, ranges, snippets }: typeof fixture.random): string[] {
  let state = seed;
  const below = (n: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
  return Array.from({ length: count }, () => {
    let text = '';
    let range = ranges[0]!;
    for (let parts = below(25); parts > 0; parts--) {
      const kind = below(8);
      if (kind < 3) {
        text += snippets[below(snippets.length)];
        continue;
      }
      if (kind < 5) range = ranges[below(ranges.length)]!;
      const code = range[0] + below(range[1] - range[0] + 1);
      text += code >= 0xd800 && code <= 0xdfff ? '\ufffd' : String.fromCodePoint(code);
    }
    return below(50) === 0 ? text.repeat(1 + below(12)) : text;
  });
}

describe('real vocabularies: ids and offsets equal to the reference', () => {
  const { count } = fixture.random;
  const strings = isThere ? randomTexts(fixture.random) : [];
  for (const { vocabulary, lowercase, files, random } of fixture.results) {
    withData(
      `${vocabulary}: every line of ${Object.keys(files).length} files`,
      async () => {
        const tokenizer = await loadVocabulary(vocabulary, lowercase);
        for (const [file, sums] of Object.entries(files)) {
          const lines = readFileSync(`${data}/${file}`, 'utf8').split('\n');
          expect([file, checksums(tokenizer, lines)]).toEqual([file, sums]);
        }
      },
      120_000,
    );

    withData(
      `${vocabulary}: ${count} random strings over all of Unicode`,
      async () => {
        const tokenizer = await loadVocabulary(vocabulary, lowercase);
        expect(checksums(tokenizer, strings)).toEqual(random);
      },
      120_000,
    );
  }
});

describe("llama.cpp's tokenizer cases", () => {
  for (const [name, vocabulary] of [
    ['bert-bge', 'bert-base-uncased/tokenizer.json'],
    ['gpt-2', 'gpt2/tokenizer.hf.json'],
  ] as const) {
    withData(name, async () => {
      const tokenizer = await loadVocabulary(vocabulary, null);
      const read = (kind: string) =>
        readFileSync(`${data}/vocab/llama-cpp-cases/ggml-vocab-${name}.gguf.${kind}`, 'utf8');
      const cases = read('inp').split('\n__ggml_vocab_test__\n');
      const expected = read('out').split('\n').slice(0, cases.length);
      expect(cases.length).toBeGreaterThan(40);
      const ids = cases.map(
        (text) =>
          tokenizer.encode(text, { addSpecialTokens: false, truncation: false, padding: false })
            .ids,
      );
      expect(ids).toEqual(expected.map((line) => (line.match(/\d+/g) ?? []).map(Number)));
    });
  }
});
