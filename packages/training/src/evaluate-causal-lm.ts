import { type CausalModel, crossEntropy, yieldToEventLoop } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { expectWhole, TrainingError, throwIfAborted } from './errors.js';
import { tokenIds } from './token-ids.js';

export interface EvaluateCausalLMOptions {
  model: CausalModel;
  /** Texts as ids, each by itself. What begins a text is not scored, for nothing says what it should be. */
  documents: Iterable<ArrayLike<number>>;
  /** Tokens the model sees at once; default its context, and 128 where it has no limit. */
  windowLength?: number;
  /**
   * How far the window moves, from 1 to windowLength − 1: what it scores has at least windowLength − stride
   * tokens before it. Default half the window. A model whose state reaches beyond any window needs none.
   */
  stride?: number;
  /** Windows at once; default as many as keep the logits below 128 MB. */
  batchSize?: number;
  /** UTF-8 bytes of the documents' texts, for `bitsPerByte`. */
  bytes?: number;
  onProgress?: (progress: { tokens: number }) => void;
  signal?: AbortSignal | undefined;
}

export interface CausalEvaluation {
  /** Mean over the scored tokens, in nats. */
  loss: number;
  /** exp(loss) */
  perplexity: number;
  /** What a byte costs, in bits: comparable between vocabularies. With `bytes`. */
  bitsPerByte?: number;
  /** How many tokens were scored. */
  tokens: number;
}

/** Ids the model sees, of which the last `scored` count. */
interface Window {
  ids: Int32Array;
  scored: number;
}

/**
 * How well a causal language model foretells texts longer than its context: each token is scored once,
 * in a window that slides over its text (Baevski & Auli 2019, §4.3; Hugging Face's guide "Perplexity of
 * fixed-length models" computes the same). A model without a limit takes each text in from start to end,
 * its state carried along.
 *
 * @throws TrainingError `BAD_BATCH` where nothing can be scored; `ABORTED`, `BAD_OPTION`
 */
export async function evaluateCausalLM(
  options: EvaluateCausalLMOptions,
): Promise<CausalEvaluation> {
  const { model, documents, bytes, onProgress, signal } = options;
  const { windowLength = model.contextLength ?? 128 } = options;
  expectWhole('evaluateCausalLM: windowLength', windowLength, 2);
  const { stride = Math.ceil(windowLength / 2) } = options;
  expectWhole('evaluateCausalLM: stride', stride, 1);
  if (stride >= windowLength) {
    throw new TrainingError(
      'BAD_OPTION',
      `evaluateCausalLM: with a stride of ${stride} a window of ${windowLength} has nothing before its first token.`,
    );
  }
  const most = Math.max(1, Math.floor(2 ** 25 / (windowLength * model.vocabSize)));
  const { batchSize = most } = options;
  expectWhole('evaluateCausalLM: batchSize', batchSize, 1);

  const total = { nats: 0, tokens: 0 };
  const add = async (scored: { nats: number; tokens: number }) => {
    throwIfAborted(signal, `after ${total.tokens} tokens of the evaluation`);
    total.nats += scored.nats;
    total.tokens += scored.tokens;
    onProgress?.({ tokens: total.tokens });
    await yieldToEventLoop();
  };
  throwIfAborted(signal, 'before the evaluation');
  if (model.contextLength === undefined) {
    for (const document of documents) {
      for (const part of carried(model, document, windowLength)) await add(part);
    }
  } else {
    let batch: Window[] = [];
    for (const document of documents) {
      for (const window of windows(document, windowLength, stride)) {
        batch.push(window);
        if (batch.length < batchSize) continue;
        await add(score(model, batch));
        batch = [];
      }
    }
    if (batch.length > 0) await add(score(model, batch));
  }
  if (total.tokens === 0) {
    throw new TrainingError(
      'BAD_BATCH',
      'There is nothing to score: no document has two tokens or more.',
    );
  }
  const loss = total.nats / total.tokens;
  const bits = bytes === undefined ? {} : { bitsPerByte: total.nats / Math.LN2 / bytes };
  return { loss, perplexity: Math.exp(loss), ...bits, tokens: total.tokens };
}

function* windows(document: ArrayLike<number>, length: number, stride: number): Generator<Window> {
  const ids = tokenIds('evaluateCausalLM: document', document);
  let scoredTo = 1; // the first token is given
  for (let start = 0; scoredTo < ids.length; start += stride) {
    const end = Math.min(start + length, ids.length);
    yield { ids: ids.subarray(start, end), scored: end - scoredTo };
    scoredTo = end;
  }
}

/** Windows as rows of one batch, filled on the right, where nothing that counts can see it. */
function score(model: CausalModel, batch: readonly Window[]): { nats: number; tokens: number } {
  const length = Math.max(...batch.map(({ ids }) => ids.length));
  const rows = batch.map(({ ids }) => {
    const row = new Int32Array(length);
    row.set(ids);
    return row;
  });
  const labels = batch.map(({ ids, scored }) => {
    const row = new Int32Array(length).fill(-100);
    for (let i = ids.length - scored; i < ids.length; i++) row[i - 1] = ids[i]!;
    return row;
  });
  using state = model.createState({ batch: batch.length, capacity: length });
  return natsOf(model, rows, state, labels);
}

/** A text from start to end by one state, a segment at a time. */
function* carried(
  model: CausalModel,
  document: ArrayLike<number>,
  length: number,
): Generator<{ nats: number; tokens: number }> {
  const ids = tokenIds('evaluateCausalLM: document', document);
  if (ids.length < 2) return;
  using state = model.createState({ batch: 1 });
  for (let start = 0; start < ids.length - 1; start += length) {
    const end = Math.min(start + length, ids.length - 1);
    yield natsOf(model, [ids.subarray(start, end)], state, [ids.subarray(start + 1, end + 1)]);
  }
}

function natsOf(
  model: CausalModel,
  rows: Int32Array[],
  state: ReturnType<CausalModel['createState']>,
  labels: Int32Array[],
): { nats: number; tokens: number } {
  using outputs = model.step(rows, state, { allLogits: true });
  const losses = tf.tidy(() => {
    const flat = tf.reshape(outputs.logits, [-1, model.vocabSize]);
    const truth = tf.tensor1d(Int32Array.from(labels.flatMap((row) => [...row])), 'int32');
    return crossEntropy(flat, truth, { reduction: 'none' }).dataSync();
  });
  let nats = 0; // in float64
  for (const loss of losses) nats += loss;
  return { nats, tokens: labels.flatMap((row) => [...row]).filter((id) => id !== -100).length };
}
