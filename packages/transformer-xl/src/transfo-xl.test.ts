import { fileURLToPath } from 'node:url';
import type { Random } from '@multihead/nn';
import { testVariant } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import {
  TransfoXLConfig,
  TransfoXLForSequenceClassification,
  TransfoXLLMHeadModel,
  TransfoXLModel,
} from './index.js';

const reference = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const backends = [
  { name: 'cpu', start: () => tf.setBackend('cpu') },
  { name: 'wasm', start: () => useWasm() },
  { name: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
];
/** Every token sees 8, so that a text is the same in segments of any length. */
const sizes = {
  vocabSize: 20,
  cutoffs: [6, 13],
  divVal: 2,
  dModel: 12,
  dEmbed: 12,
  nHead: 3,
  dHead: 5,
  dInner: 16,
  nLayer: 2,
  memLen: 8,
  clampLen: 6,
};
const config = new TransfoXLConfig({ ...sizes, tgtLen: 4 });
const shared = { vocabSize: config.vocabSize, causal: true, backends, step: 2e-3 };
const someOf = (ids: number[][], random: Random) =>
  ids.map((row) => row.map((id) => (random.uniform() < 0.6 ? id : -100)));

testVariant({
  ...shared,
  name: 'TransfoXLModel',
  create: (weights) => new TransfoXLModel(config, weights),
  load: (source) => TransfoXLModel.fromPretrained(source),
  outputs: ['lastHiddenState'],
  reference: {
    'hidden states, memories, gradients': reference('model'),
    'vectors in the place of ids': reference('inputs-embeds'),
    'masked heads': reference('head-mask'),
  },
});

testVariant({
  ...shared,
  name: 'TransfoXLLMHeadModel',
  create: (weights) => new TransfoXLLMHeadModel(config, weights),
  load: (source) => TransfoXLLMHeadModel.fromPretrained(source),
  outputs: ['logits'],
  decodes: true,
  labels: someOf,
  reference: {
    'one table, clusters': reference('div-1'),
    'one table, projected': reference('div-1-projected'),
    'clusters of half the width each': reference('div-2'),
    'clusters of a quarter, no projection shared': reference('div-4'),
    'norms before': reference('pre-lnorm'),
    'norms before, one u and v for all layers': reference('pre-lnorm-tied-r'),
    'the same length for every token': reference('same-length-tied-r'),
    'distances clamped': reference('clamp'),
    'no memory': reference('no-memory'),
    'memory longer than a segment': reference('long-memory'),
    'no cutoffs, tables of their own': reference('no-cutoffs-untied'),
    'clusters with tables of their own': reference('untied-clusters'),
  },
});

/** The other switches, and learnt distances, keep the same contract. */
testVariant({
  ...shared,
  backends: backends.slice(1, 2),
  name: 'TransfoXLLMHeadModel by learnt distances, one table',
  create: (weights) =>
    new TransfoXLLMHeadModel(
      new TransfoXLConfig({ ...sizes, attnType: 1, divVal: 1, dEmbed: 10, preLnorm: true }),
      weights,
    ),
  load: (source) => TransfoXLLMHeadModel.fromPretrained(source),
  outputs: ['logits'],
  decodes: true,
  labels: someOf,
});

testVariant({
  ...shared,
  name: 'TransfoXLForSequenceClassification',
  create: (weights) =>
    new TransfoXLForSequenceClassification(
      new TransfoXLConfig({ ...sizes, nLayer: 1, padTokenId: 0, numLabels: 3, untieR: false }),
      weights,
    ),
  load: (source) => TransfoXLForSequenceClassification.fromPretrained(source),
  outputs: [],
  textOutputs: ['logits'],
  labels: (ids, random) => ids.map(() => random.below(3)),
  reference: {
    'one label': reference('classifier'),
    regression: reference('classifier-regression'),
    'several labels': reference('classifier-several'),
  },
});
