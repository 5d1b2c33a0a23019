import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generate, readGenerationConfig } from '@multihead/generation';
import { loadTokenizer, type Tokenizer } from '@multihead/tokenizers';
import { TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
// @ts-expect-error: the tooling is plain JavaScript
import { readCorpus, toText } from '../corpus.mjs';
// @ts-expect-error: the tooling is plain JavaScript
import { evaluateMemoryLengths } from '../memory-lengths.mjs';

/* The weights in this repository give what transformers makes of them: tooling/reference/embedded_transformer_xl.py. */
const folder = fileURLToPath(
  new URL('../../../models/transformer-xl-mini-english', import.meta.url),
);
const fixture = new URL('../fixtures/transformer-xl-expected.json', import.meta.url);
const expected = JSON.parse(await readFile(fixture, 'utf8'));
let model: TransfoXLLMHeadModel;
let tokenizer: Tokenizer;
beforeAll(async () => {
  await useWasm();
  model = await TransfoXLLMHeadModel.fromPretrained(folder);
  tokenizer = await loadTokenizer(folder);
});
afterAll(() => model.dispose());

test('the beginnings of the held-out documents are as likely to it as they should be, with memory and without', async () => {
  const heldOut = (await readCorpus()).filter((document: { heldOut: boolean }) => document.heldOut);
  const texts = toText(heldOut).split(/\n{2,}/) as string[];
  const documents = texts.map((text) => tokenizer.encodeIds(text.trimEnd()).slice(0, 257));
  expect(documents).toHaveLength(expected.documents);
  const [without, as] = (await evaluateMemoryLengths(model, documents, {
    segmentLength: 64,
    memoryLengths: [0, model.config.memLen],
  })) as { loss: number; tokens: number }[];
  expect(as!.tokens).toBe(expected.tokens);
  expect(as!.loss).toBeCloseTo(expected.loss, 4);
  expect(without!.loss).toBeCloseTo(expected.lossWithoutMemory, 4);
  expect(as!.loss).toBeLessThan(without!.loss - 0.05);
}, 60_000);

test.each(Object.keys(expected.generated))('goes on with "%s" as it should', async (prompt) => {
  const json = JSON.parse(await readFile(`${folder}/generation_config.json`, 'utf8'));
  const generationConfig = readGenerationConfig(json);
  const options = { generationConfig, maxNewTokens: 20 };
  const { sequences } = await generate(model, tokenizer.encode(prompt), options);
  expect(sequences[0]).toEqual(expected.generated[prompt]);
});

test('both kinds of files hold the same words', async () => {
  const words = (await readFile(`${folder}/vocab.txt`, 'utf8')).trimEnd().split('\n');
  expect(words.map((word) => tokenizer.tokenToId(word))).toEqual(words.map((_, id) => id));
  expect(tokenizer.vocabSize).toBe(words.length);
  expect(words[0]).toBe('<unk>');
});
