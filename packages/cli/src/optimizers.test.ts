import { expect, test } from '@jest/globals';
import { BertConfig, BertForMaskedLM } from '@multihead/bert';
import { GPT2Config, GPT2LMHeadModel, OpenAIGPTConfig, OpenAIGPTLMHeadModel } from '@multihead/gpt';
import type { Model } from '@multihead/nn';
import { TransfoXLConfig, TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import { isEmbedding } from './optimizers.js';

await useWasm();

const gpt = { vocabSize: 9, nEmbd: 4, nHead: 1, nLayer: 1, nPositions: 4 };
const bert = { vocabSize: 9, hiddenSize: 4, numAttentionHeads: 1, numHiddenLayers: 1 };
const xl = {
  vocabSize: 9,
  dModel: 4,
  dEmbed: 2,
  nHead: 1,
  dHead: 4,
  dInner: 4,
  nLayer: 1,
  memLen: 2,
};

test.each<[string, () => Model, string[]]>([
  [
    'BERT',
    () => new BertForMaskedLM(new BertConfig({ ...bert, intermediateSize: 4 })),
    ['position', 'token_type', 'word'].map((kind) => `bert.embeddings.${kind}_embeddings.weight`),
  ],
  [
    'GPT-2',
    () => new GPT2LMHeadModel(new GPT2Config(gpt)),
    ['transformer.wpe.weight', 'transformer.wte.weight'],
  ],
  [
    'GPT-1',
    () => new OpenAIGPTLMHeadModel(new OpenAIGPTConfig(gpt)),
    ['transformer.positions_embed.weight', 'transformer.tokens_embed.weight'],
  ],
  [
    'Transformer-XL',
    () => new TransfoXLLMHeadModel(new TransfoXLConfig({ ...xl, cutoffs: [5], divVal: 2 })),
    [
      ...[0, 1].map((i) => `transformer.word_emb.emb_layers.${i}.weight`),
      ...[0, 1].map((i) => `transformer.word_emb.emb_projs.${i}`),
    ],
  ],
  [
    'a Transformer-XL that learns distances',
    () =>
      new TransfoXLLMHeadModel(new TransfoXLConfig({ ...xl, dEmbed: 4, divVal: 1, attnType: 1 })),
    ['transformer.r_emb', 'transformer.word_emb.emb_layers.0.weight'],
  ],
])('the embeddings of %s are known by their keys', (_, create, keys) => {
  const model = create();
  const found = [...model.parameters.keys()].filter(isEmbedding).sort();
  expect(found).toEqual(keys);
  model.dispose();
});
