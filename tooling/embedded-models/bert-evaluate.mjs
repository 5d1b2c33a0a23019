// Masked accuracy and perplexity of a model on held-out text.
import { BertForMaskedLM } from '@multihead/bert';
import { softmax } from '@multihead/nn';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import { tally } from './questions.mjs';

const BATCH_SIZE = 32;

/** `{ count, accuracy, loss, perplexity }` over every masked place of `questions`. */
export async function evaluateModel(folder, questions) {
  await useWasm();
  const model = await BertForMaskedLM.fromPretrained(folder);
  const { vocabSize, padTokenId } = model.config;
  const answers = tally();
  for (let start = 0; start < questions.length; start += BATCH_SIZE) {
    const batch = questions.slice(start, start + BATCH_SIZE);
    const length = Math.max(...batch.map(({ ids }) => ids.length));
    const pad = (values, filler) => Int32Array.from({ length }, (_, i) => values[i] ?? filler);
    const outputs = model.forward({
      inputIds: batch.map(({ masked }) => pad(masked, padTokenId)),
      attentionMask: batch.map(({ masked }) =>
        pad(
          masked.map(() => 1),
          0,
        ),
      ),
    });
    const asked = batch.flatMap(({ places }, row) => places.map((place) => row * length + place));
    const truth = batch.flatMap(({ ids, places }) => places.map((place) => ids[place]));
    const answered = tf.tidy(() => {
      const logits = tf.reshape(outputs.logits, [batch.length * length, vocabSize]);
      return softmax(tf.gather(logits, tf.tensor1d(asked, 'int32')));
    });
    const probabilities = answered.dataSync(); // [asked, vocabSize]
    answered.dispose();
    outputs.dispose();
    truth.forEach((id, k) => {
      const row = probabilities.subarray(k * vocabSize, (k + 1) * vocabSize);
      answers.add(
        row[id],
        row.every((probability) => probability <= row[id]),
      );
    });
  }
  model.dispose();
  return answers.result();
}
