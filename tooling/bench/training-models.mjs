// The models of the training bench, a batch for each, and a step.
import { BertConfig, BertForMaskedLM } from '@multihead/bert';
import { GPT2Config, GPT2LMHeadModel } from '@multihead/gpt';
import { Random, valueAndGradients, Weights } from '@multihead/nn';
import { adamW, applyGradients, clippingScale, globalNorm } from '@multihead/training';

const rows = (random, batch, length, vocab) =>
  Array.from({ length: batch }, () => Array.from({ length }, () => 1 + random.below(vocab - 1)));

function gpt() {
  const vocabSize = 4096;
  const config = new GPT2Config({ vocabSize, nPositions: 128, nEmbd: 256, nLayer: 4, nHead: 4 });
  const inputIds = rows(new Random(0), 8, 128, vocabSize);
  const title = 'GPT-2, 4 × 256, vocabulary 4,096, batch 8×128';
  const model = new GPT2LMHeadModel(config, new Weights({ seed: 0 }));
  return { title, model, batch: { inputIds, labels: inputIds }, vocabSize };
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

/** The loss without dropout. */
export async function lossOf(model, batch) {
  const outputs = model.forward(batch, { outputLogits: false });
  const [loss] = await outputs.loss.data();
  outputs.dispose();
  return loss;
}

/** A function that takes one step and gives the loss before it. */
export function stepper(model, batch) {
  const optimizer = adamW();
  const state = new Map();
  let steps = 0;
  return async () => {
    const options = { random: new Random(0, 'dropout', steps++), outputLogits: false };
    const forward = () => model.forward(batch, options).loss;
    const { value, gradients } = valueAndGradients(model, forward);
    const gradientScale = clippingScale(await globalNorm(gradients), 1);
    const rate = { learningRate: 1e-4, gradientScale };
    applyGradients(optimizer, model.parameters, gradients, state, rate);
    const [loss] = await value.data();
    value.dispose();
    return loss;
  };
}
