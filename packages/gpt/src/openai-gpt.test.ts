import { fileURLToPath } from 'node:url';
import { testVariant } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import {
  OpenAIGPTConfig,
  OpenAIGPTDoubleHeadsModel,
  OpenAIGPTForSequenceClassification,
  OpenAIGPTLMHeadModel,
  OpenAIGPTModel,
} from './index.js';

const reference = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const backends = [
  { name: 'cpu', start: () => tf.setBackend('cpu') },
  { name: 'wasm', start: () => useWasm() },
  { name: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
];
const config = new OpenAIGPTConfig({
  vocabSize: 20,
  nPositions: 12,
  nEmbd: 12,
  nLayer: 1,
  nHead: 3,
  padTokenId: 0,
  numLabels: 3,
  summaryType: 'first', // the last token may be padding
});
const shared = { vocabSize: config.vocabSize, causal: true, backends };

testVariant({
  ...shared,
  name: 'OpenAIGPTModel',
  create: (weights) => new OpenAIGPTModel(config, weights),
  load: (source) => OpenAIGPTModel.fromPretrained(source),
  outputs: ['lastHiddenState'],
  reference: { padding: reference('openai-model') },
});

testVariant({
  ...shared,
  name: 'OpenAIGPTLMHeadModel',
  create: (weights) => new OpenAIGPTLMHeadModel(config, weights),
  load: (source) => OpenAIGPTLMHeadModel.fromPretrained(source),
  outputs: ['logits'],
  decodes: true,
  labels: (ids) => ids,
  reference: {
    'silu, positions and types of its own, loss and gradients': reference('openai-lm'),
    'relu and a head of its own': reference('openai-lm-untied-relu'),
  },
});

testVariant({
  ...shared,
  name: 'OpenAIGPTDoubleHeadsModel',
  create: (weights) => new OpenAIGPTDoubleHeadsModel(config, weights),
  load: (source) => OpenAIGPTDoubleHeadsModel.fromPretrained(source),
  outputs: ['logits'],
  textOutputs: ['mcLogits'],
  labels: (ids) => ids,
  reference: {
    'three choices, both losses': {
      folder: reference('openai-double-heads'),
      // The reference gives the last of them another shape than the rest.
      options: { leaveOut: ['hidden_states.1'] },
    },
  },
});

testVariant({
  ...shared,
  name: 'OpenAIGPTForSequenceClassification',
  create: (weights) => new OpenAIGPTForSequenceClassification(config, weights),
  load: (source) => OpenAIGPTForSequenceClassification.fromPretrained(source),
  outputs: [],
  textOutputs: ['logits'],
  labels: (ids, random) => ids.map(() => random.below(3)),
  reference: { 'one label': reference('openai-sequence-one-label') },
});
