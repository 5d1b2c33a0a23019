import { fileURLToPath } from 'node:url';
import type { Random } from '@multihead/nn';
import { testVariant } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import {
  GPT2Config,
  GPT2DoubleHeadsModel,
  GPT2ForQuestionAnswering,
  GPT2ForSequenceClassification,
  GPT2ForTokenClassification,
  GPT2LMHeadModel,
  GPT2Model,
} from './index.js';

const reference = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const backends = [
  { name: 'cpu', start: () => tf.setBackend('cpu') },
  { name: 'wasm', start: () => useWasm() },
  { name: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
];
const config = new GPT2Config({
  vocabSize: 20,
  nPositions: 12,
  nEmbd: 12,
  nLayer: 2,
  nHead: 3,
  nInner: 20,
});
/** Beside a head, one layer is enough. */
const withHead = new GPT2Config({
  vocabSize: 20,
  nPositions: 12,
  nEmbd: 12,
  nLayer: 1,
  nHead: 3,
  nInner: 20,
  padTokenId: 0,
  numLabels: 3,
  summaryType: 'first', // the last token may be padding
});
const shared = { vocabSize: config.vocabSize, causal: true, backends };
const someOf = (ids: number[][], random: Random) =>
  ids.map((row) => row.map((id) => (random.uniform() < 0.6 ? id : -100)));
const oneOf = (ids: number[][], random: Random, count: number) =>
  ids.map(() => random.below(count));

testVariant({
  ...shared,
  name: 'GPT2Model',
  create: (weights) => new GPT2Model(config, weights),
  load: (source) => GPT2Model.fromPretrained(source),
  outputs: ['lastHiddenState'],
  reference: {
    padding: reference('model'),
    'padding on the left and positions of its own': reference('left-padded'),
    'a row that is all padding': reference('empty-row'),
    'masked heads': reference('head-mask'),
    'tokens for types': reference('type-tokens'),
    'vectors in the place of ids': reference('inputs-embeds'),
  },
});

testVariant({
  ...shared,
  name: 'GPT2LMHeadModel',
  create: (weights) => new GPT2LMHeadModel(config, weights),
  load: (source) => GPT2LMHeadModel.fromPretrained(source),
  outputs: ['logits'],
  decodes: true,
  labels: someOf,
  reference: {
    'tied head, loss and gradients': reference('lm'),
    'a head of its own, gelu, another epsilon': reference('lm-untied-gelu'),
    'scores divided by the layer, relu, another inner size': reference(
      'lm-inverse-layer-upcast-relu',
    ),
    'scores as they are, silu': reference('lm-unscaled-silu'),
    'scores divided by the layer alone, tanh': reference('lm-unscaled-inverse-layer-tanh'),
    'an old file with stored masks and no prefix': reference('lm-old'),
    'a file of minGPT': reference('lm-mingpt'),
    'a file of nanoGPT without biases': reference('lm-nanogpt'),
    'one that sorts': reference('sorter'),
  },
});

testVariant({
  ...shared,
  name: 'GPT2DoubleHeadsModel',
  create: (weights) => new GPT2DoubleHeadsModel(withHead, weights),
  load: (source) => GPT2DoubleHeadsModel.fromPretrained(source),
  outputs: ['logits'],
  textOutputs: ['mcLogits'],
  labels: someOf,
  reference: {
    'three choices, both losses': {
      folder: reference('double-heads'),
      // The reference gives the last of them another shape than the rest.
      options: { leaveOut: ['hidden_states.2'] },
    },
    'the last token, tanh': reference('double-heads-last'),
    'the first token, a projection that keeps the size': reference('double-heads-first'),
    'the mean, no projection': reference('double-heads-mean'),
  },
});

testVariant({
  ...shared,
  name: 'GPT2ForSequenceClassification',
  create: (weights) => new GPT2ForSequenceClassification(withHead, weights),
  load: (source) => GPT2ForSequenceClassification.fromPretrained(source),
  outputs: [],
  textOutputs: ['logits'],
  labels: (ids, random) => oneOf(ids, random, 3),
  reference: {
    'one label': reference('sequence-one-label'),
    'several labels, padding on the left': reference('sequence-several-labels'),
    regression: reference('sequence-regression'),
    'regression to several numbers': reference('sequence-regressions'),
  },
});

testVariant({
  ...shared,
  name: 'GPT2ForTokenClassification',
  create: (weights) => new GPT2ForTokenClassification(withHead, weights),
  load: (source) => GPT2ForTokenClassification.fromPretrained(source),
  outputs: ['logits'],
  labels: (ids, random) => ids.map((row) => row.map(() => random.below(3))),
  reference: { 'labels and padding': reference('token-classification') },
});

testVariant({
  ...shared,
  name: 'GPT2ForQuestionAnswering',
  create: (weights) => new GPT2ForQuestionAnswering(withHead, weights),
  load: (source) => GPT2ForQuestionAnswering.fromPretrained(source),
  outputs: ['startLogits', 'endLogits'],
  labels: (ids, random) => ({
    startPositions: oneOf(ids, random, 3),
    endPositions: oneOf(ids, random, 7),
  }),
  reference: { 'answers in and outside of the text': reference('question-answering') },
});
