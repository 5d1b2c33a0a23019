import { fileURLToPath } from 'node:url';
import { testVariant } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel } from './index.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const backends = [
  { name: 'cpu', start: () => tf.setBackend('cpu') },
  { name: 'wasm', start: () => useWasm() },
  { name: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
];
const config = new BertConfig({
  vocabSize: 50,
  hiddenSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 3,
  intermediateSize: 40,
  maxPositionEmbeddings: 12,
});
// The reference gives the embeddings a second time, as the first hidden state.
const options = { leaveOut: ['embeddings'] };
const reference = (name: string) => ({ folder: fixture(name), options });

testVariant({
  name: 'BertModel',
  create: (weights) => new BertModel(config, weights),
  load: (source) => BertModel.fromPretrained(source),
  vocabSize: config.vocabSize,
  outputs: ['lastHiddenState'],
  causal: false,
  backends,
  reference: {
    'padding and token types': reference('model'),
    'a row that is all padding': reference('empty-row'),
    'masked heads': reference('head-mask'),
    'padding on the left and positions of its own': reference('left-padded'),
    'silu, no pooler, and nothing given but ids': {
      folder: fixture('model-silu-ids-only'),
      options: {
        ...options,
        load: (source) => BertModel.fromPretrained(source, { addPoolingLayer: false }),
      },
    },
  },
});

testVariant({
  name: 'BertForMaskedLM',
  create: (weights) => new BertForMaskedLM(config, weights),
  load: (source) => BertForMaskedLM.fromPretrained(source),
  vocabSize: config.vocabSize,
  outputs: ['logits'],
  causal: false,
  labels: (ids, random) => ids.map((row) => row.map((id) => (random.uniform() < 0.4 ? id : -100))),
  backends,
  reference: {
    'tied decoder, loss and gradients': reference('masked-lm'),
    'an old checkpoint with gamma, beta and heads to leave out': reference('masked-lm-legacy'),
    relu: reference('masked-lm-relu'),
    'gelu_new and a decoder of its own': reference('masked-lm-untied-gelu-new'),
  },
});

const classifier = new BertConfig({
  vocabSize: 50,
  hiddenSize: 24,
  numHiddenLayers: 1,
  numAttentionHeads: 3,
  intermediateSize: 40,
  maxPositionEmbeddings: 12,
  numLabels: 3,
});

testVariant({
  name: 'BertForSequenceClassification',
  create: (weights) => new BertForSequenceClassification(classifier, weights),
  load: (source) => BertForSequenceClassification.fromPretrained(source),
  vocabSize: classifier.vocabSize,
  outputs: [],
  textOutputs: ['logits'],
  causal: false,
  labels: (ids, random) => ids.map(() => random.below(3)),
  backends,
  reference: {
    'one label': reference('sequence-one-label'),
    'several labels': reference('sequence-several-labels'),
    regression: reference('sequence-regression'),
    'regression to several numbers': reference('sequence-regressions'),
  },
});
