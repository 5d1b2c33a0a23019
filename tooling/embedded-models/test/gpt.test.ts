import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generate } from '@multihead/generation';
import { GPT2LMHeadModel } from '@multihead/gpt';
import { loadTokenizer, type Tokenizer } from '@multihead/tokenizers';
import { evaluateCausalLM } from '@multihead/training';
import { useWasm } from '@multihead/wasm';
// @ts-expect-error: the tooling is plain JavaScript
import { readCorpus, toText } from '../corpus.mjs';

/* The weights in this repository give what transformers makes of them: tooling/reference/embedded_gpt.py. */
const folder = fileURLToPath(new URL('../../../models/gpt-mini-english', import.meta.url));
const fixture = new URL('../fixtures/gpt-expected.json', import.meta.url);
const expected = JSON.parse(await readFile(fixture, 'utf8'));
let model: GPT2LMHeadModel;
let tokenizer: Tokenizer;
beforeAll(async () => {
  await useWasm();
  model = await GPT2LMHeadModel.fromPretrained(folder);
  tokenizer = await loadTokenizer(folder);
});
afterAll(() => model.dispose());

test('the beginnings of the held-out documents are as likely to it as they should be', async () => {
  const heldOut = (await readCorpus()).filter((document: { heldOut: boolean }) => document.heldOut);
  const texts = toText(heldOut).split(/\n{2,}/) as string[];
  const documents = texts.map((text) => tokenizer.encodeIds(text.trimEnd()).slice(0, 128));
  expect(documents).toHaveLength(expected.documents);
  const { loss, tokens } = await evaluateCausalLM({ model, documents });
  expect(tokens).toBe(expected.tokens);
  expect(loss).toBeCloseTo(expected.loss, 4);
});

test.each(Object.keys(expected.generated))('goes on with "%s" as it should', async (prompt) => {
  const { sequences } = await generate(model, tokenizer.encode(prompt), { maxNewTokens: 20 });
  expect(sequences[0]).toEqual(expected.generated[prompt]);
});
