import { BertForMaskedLM } from '@multihead/bert';
import { softmax } from '@multihead/nn';
import type { BertTokenizer, Encoding } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import pc from 'picocolors';
import { CliError } from './errors.js';
import { loadBertTokenizer } from './load-tokenizer.js';
import { formatTable, print } from './output.js';
import { readTexts } from './text.js';

export interface FillMaskOptions {
  model: string;
  topK: number;
  json?: boolean;
}

interface Prediction {
  token: string;
  id: number;
  probability: number;
  /** The text with this token in the mask's place; other masks stay. */
  sequence: string;
}

interface FilledMask {
  /** Where the mask is: among the tokens, and in the text. */
  position: number;
  start: number;
  end: number;
  /** The likeliest first. */
  predictions: Prediction[];
}

/** Prints the words that fit each mask of each text. */
export async function printFilledMasks(
  texts: string[],
  { model: source, topK, json }: FillMaskOptions,
): Promise<void> {
  const tokenizer = await loadBertTokenizer(source);
  await useWasm();
  const model = await BertForMaskedLM.fromPretrained(source);
  try {
    if (tokenizer.vocabSize > model.config.vocabSize) {
      throw new CliError(
        'BAD_INPUT',
        `${source}: its tokenizer has ${tokenizer.vocabSize} tokens, its model only ${model.config.vocabSize}.`,
      );
    }
    let first = true;
    for await (const text of readTexts(texts)) {
      if (text.trim() === '') continue;
      const masks = predict(model, tokenizer, text, topK);
      if (json) {
        print(JSON.stringify({ text, masks }));
        continue;
      }
      if (!first) print('');
      first = false;
      print(formatMasks(text, masks));
    }
  } finally {
    model.dispose();
  }
}

function predict(
  model: BertForMaskedLM,
  tokenizer: BertTokenizer,
  text: string,
  topK: number,
): FilledMask[] {
  const encoding = tokenizer.encode(text, { truncation: false, padding: false });
  const positions = maskPositions(tokenizer, encoding, text);
  const limit = model.config.maxPositionEmbeddings;
  if (encoding.length > limit) {
    throw new CliError(
      'BAD_INPUT',
      `The text has ${encoding.length} tokens and the model takes ${limit}: shorten ${shown(text)}.`,
    );
  }
  const outputs = model.forward(encoding);
  const rows = tf.tidy(() => {
    const logits = tf.reshape(outputs.logits!, [encoding.length, model.config.vocabSize]);
    return softmax(tf.gather(logits, tf.tensor1d(positions, 'int32')));
  });
  const probabilities = rows.dataSync(); // [masks, vocabSize]
  rows.dispose();
  outputs.dispose();

  return positions.map((position, i) => {
    const [start, end] = encoding.offsets[position]!;
    const { vocabSize } = model.config;
    const row = probabilities.subarray(i * vocabSize, (i + 1) * vocabSize);
    const predictions = largest(row, Math.min(topK, tokenizer.vocabSize)).map((id) => {
      const token = tokenizer.idToToken(id) ?? `[${id}]`;
      return { token, id, probability: row[id]!, sequence: fill(text, start, end, token) };
    });
    return { position, start, end, predictions };
  });
}

function maskPositions(tokenizer: BertTokenizer, encoding: Encoding, text: string): number[] {
  const { maskTokenId } = tokenizer;
  const positions = encoding.ids.flatMap((id, i) => (id === maskTokenId ? [i] : []));
  if (positions.length > 0) return positions;
  const mask = tokenizer.specialTokens.maskToken;
  throw new CliError('BAD_INPUT', `There is no ${mask} in ${shown(text)}.`);
}

/** Ids of the largest values, the largest first. */
function largest(values: ArrayLike<number>, count: number): number[] {
  const order = Array.from({ length: values.length }, (_, id) => id);
  return order.sort((a, b) => values[b]! - values[a]! || a - b).slice(0, count);
}

/** A piece that goes on with a word (`##ing`) is put straight after it. */
function fill(text: string, start: number, end: number, token: string): string {
  const before = text.slice(0, start);
  return token.startsWith('##')
    ? before.trimEnd() + token.slice(2) + text.slice(end)
    : before + token + text.slice(end);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function formatMasks(text: string, masks: FilledMask[]): string {
  const tables = masks.map(({ predictions }, i) => {
    const rows = predictions.map(({ token, probability, sequence }) => [
      token,
      `${(100 * probability).toFixed(2).padStart(6)} %`,
      sequence,
    ]);
    const title = masks.length > 1 ? `${pc.bold(`[MASK] ${i + 1}`)}\n` : '';
    return title + formatTable(['token', 'probability', 'text'], rows);
  });
  return [pc.bold(text), ...tables].join('\n');
}
