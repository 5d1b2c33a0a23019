// The models of the training bench, and a batch for each.
import { MultiHeadAttention } from '@multihead/attention';
import { BertConfig, BertForMaskedLM } from '@multihead/bert';
import {
  Dropout,
  Embedding,
  geluNew,
  LayerNorm,
  Linear,
  linearCrossEntropy,
  Random,
  Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';

/** GPT-2's layers (Radford et al. 2019), one after the other: what the family does, from nn's layers. */
class GptShape {
  constructor({ layers, hidden, heads, vocab, length }) {
    const weights = new Weights({ seed: 0 });
    this.parameters = weights.parameters;
    this.wte = new Embedding(weights.at('wte'), { numEmbeddings: vocab, embeddingDim: hidden });
    this.wpe = new Embedding(weights.at('wpe'), { numEmbeddings: length, embeddingDim: hidden });
    this.dropout = new Dropout(0.1);
    const norm = (scope) => new LayerNorm(scope, hidden, { epsilon: 1e-5 });
    this.blocks = Array.from({ length: layers }, (_, i) => {
      const at = weights.at('h', i);
      const projections = Object.fromEntries(
        ['query', 'key', 'value', 'output'].map((name) => [name, at.at('attn', name)]),
      );
      return {
        norm1: norm(at.at('ln_1')),
        attention: new MultiHeadAttention(projections, {
          hiddenSize: hidden,
          numHeads: heads,
          dropout: 0.1,
        }),
        norm2: norm(at.at('ln_2')),
        up: new Linear(at.at('up'), { inFeatures: hidden, outFeatures: 4 * hidden }),
        down: new Linear(at.at('down'), { inFeatures: 4 * hidden, outFeatures: hidden }),
      };
    });
    this.norm = norm(weights.at('ln_f'));
  }
  forward({ inputIds, labels }, { random }) {
    const ids = tf.tensor2d(inputIds, undefined, 'int32');
    const [batch, length] = ids.shape;
    let x = tf.add(this.wte.forward(ids), this.wpe.forward(tf.range(0, length, 1, 'int32')));
    x = this.dropout.forward(x, random);
    for (const block of this.blocks) {
      const { context } = block.attention.forward(block.norm1.forward(x), { causal: true, random });
      x = tf.add(x, this.dropout.forward(context, random));
      const wide = geluNew(block.up.forward(block.norm2.forward(x)));
      x = tf.add(x, this.dropout.forward(block.down.forward(wide), random));
    }
    const rows = tf.reshape(this.norm.forward(x), [batch * length, -1]);
    const truth = labels.flatMap((row) => [...row.slice(1), -100]);
    const { weight } = this.wte;
    return { loss: linearCrossEntropy(rows, weight, undefined, tf.tensor1d(truth, 'int32')) };
  }
  dispose() {
    for (const parameter of this.parameters.values()) parameter.dispose();
  }
}

const rows = (random, batch, length, vocab) =>
  Array.from({ length: batch }, () => Array.from({ length }, () => 1 + random.below(vocab - 1)));

function gpt() {
  const vocabSize = 4096;
  const size = { layers: 4, hidden: 256, heads: 4, vocab: vocabSize, length: 128 };
  const inputIds = rows(new Random(0), 8, 128, vocabSize);
  const title = 'GPT shape, 4 × 256, vocabulary 4,096, batch 8×128';
  return { title, model: new GptShape(size), batch: { inputIds, labels: inputIds }, vocabSize };
}

function bert() {
  const vocabSize = 30522;
  const config = new BertConfig({
    vocabSize,
    hiddenSize: 128,
    numHiddenLayers: 2,
    numAttentionHeads: 2,
    intermediateSize: 512,
    maxPositionEmbeddings: 128,
  });
  const random = new Random(0);
  const inputIds = rows(random, 16, 128, vocabSize);
  const labels = inputIds.map((row) => row.map((id) => (random.uniform() < 0.15 ? id : -100)));
  const title = 'BERT, 2 × 128, vocabulary 30,522, batch 16×128, masked LM';
  const model = new BertForMaskedLM(config, new Weights({ seed: 0 }));
  return { title, model, batch: { inputIds, labels }, vocabSize };
}

/** name → a fresh model, its batch and what it is. */
export const trainees = { gpt, bert };
