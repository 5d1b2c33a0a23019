import type { BertForMaskedLM } from '@multihead/bert';
import { softmax } from '@multihead/nn';
import type { BertTokenizer } from '@multihead/tokenizers';
import * as tf from '@tensorflow/tfjs-core';
import { readAttention } from '../attention/read.js';
import type { Analysis, Blank, Candidate, Token } from './protocol.js';

/** Longer texts would make the attention unreadable. */
const MAX_TOKENS = 128;
const CANDIDATES = 8;

/** One forward pass: the likeliest words at each [MASK], and every head's attention. */
export async function analyze(
  model: BertForMaskedLM,
  tokenizer: BertTokenizer,
  text: string,
): Promise<Analysis> {
  const all = tokenizer.encode(text, { truncation: false });
  const maxLength = Math.min(MAX_TOKENS, model.config.maxPositionEmbeddings);
  const encoding =
    all.length > maxLength ? tokenizer.encode(text, { truncation: true, maxLength }) : all;
  const positions = encoding.ids.flatMap((id, i) => (id === tokenizer.maskTokenId ? [i] : []));

  const started = performance.now();
  const outputs = model.forward(encoding, { outputAttentions: true });
  try {
    const candidates = await topWords(outputs.logits!, positions, tokenizer);
    const attention = await readAttention(outputs.attentions!);
    return {
      text,
      tokens: encoding.tokens.map((token, i): Token => {
        const [start, end] = encoding.offsets[i]!;
        return { text: token, start, end, word: encoding.wordIds[i]! };
      }),
      dropped: all.length - encoding.length,
      blanks: positions.map((position, i): Blank => ({ position, candidates: candidates[i]! })),
      attention,
      milliseconds: performance.now() - started,
    };
  } finally {
    outputs.dispose();
  }
}

/** For each position, the tokens it most likely holds; [UNK] and its like are no words. */
async function topWords(
  logits: tf.Tensor, // [1, length, vocabSize]
  positions: number[],
  tokenizer: BertTokenizer,
): Promise<Candidate[][]> {
  if (positions.length === 0) return [];
  const special = new Set(tokenizer.specialTokenIds);
  const k = Math.min(CANDIDATES + special.size, logits.shape[2]!);
  const { values, indices } = tf.tidy(() => {
    const rows = tf.gather(tf.squeeze(logits, [0]), tf.tensor1d(positions, 'int32'));
    return tf.topk(softmax(rows), k);
  });
  try {
    const [probabilities, ids] = await Promise.all([values.data(), indices.data()]);
    return positions.map((_, row) => {
      const places = Array.from({ length: k }, (_, i) => row * k + i);
      return places
        .filter((i) => !special.has(ids[i]!))
        .slice(0, CANDIDATES)
        .map((i) => ({ token: tokenizer.idToToken(ids[i]!)!, probability: probabilities[i]! }));
    });
  } finally {
    tf.dispose([values, indices]);
  }
}
