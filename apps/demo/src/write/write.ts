import { type GenerateOptions, stream, topTokens } from '@multihead/generation';
import type { GPT2LMHeadModel } from '@multihead/gpt';
import { readAttention } from '../attention/read.js';
import type { Choice, EndReason, Settings, Step, View } from './protocol.js';
import type { Spelling } from './spelling.js';

/** How many of the most probable tokens are told of. */
const CANDIDATES = 8;

/** A step, and with the last one why it is. */
export interface Written extends Step {
  reason: EndReason | undefined;
}

/**
 * Goes on from `ids`, which `spelling` has spelled. Each token is computed when it is asked for.
 *
 * @throws GenerationError, `ABORTED` among them
 */
export async function* write(
  model: GPT2LMHeadModel,
  spelling: Spelling,
  ids: readonly number[],
  settings: Settings & { seed: number },
  signal?: AbortSignal,
): AsyncGenerator<Written, void, void> {
  const { contextLength } = model;
  let length = ids.length;
  let from = Math.max(0, length - contextLength);
  let asked = performance.now();
  let firstMilliseconds = 0;
  let milliseconds = 0;
  const options = { ...optionsOf(settings), signal, outputScores: true, outputLogits: true };
  for await (const { token: id, logits, scores, finishReason } of stream(
    model,
    { inputIds: [ids] },
    options,
  )) {
    const taken = performance.now() - asked;
    const isFirst = length === ids.length;
    if (isFirst) firstMilliseconds = taken;
    else milliseconds += taken;
    // What does not fit is half forgotten, by `onContextFull: 'slide'`.
    if (length - from > contextLength) from = length - Math.floor(contextLength / 2);
    length++;
    const greedy = settings.temperature === 0;
    const choice = choiceOf(id, logits!, greedy ? undefined : scores!, spelling);
    yield {
      token: { ...spelling.next(id), choice },
      from,
      firstMilliseconds,
      speed: isFirst ? undefined : ((length - ids.length - 1) * 1000) / milliseconds,
      reason: finishReason,
    };
    asked = performance.now();
  }
}

function optionsOf(settings: Settings): GenerateOptions {
  const { temperature, topK, topP, length, onContextFull, seed } = settings;
  const drawing = { doSample: true, temperature, topK, topP, seed };
  return {
    ...(temperature === 0 ? { doSample: false } : drawing),
    maxNewTokens: length,
    onContextFull,
  };
}

/** How a token was chosen; without scores it was the most probable one. */
function choiceOf(
  id: number,
  logits: Float32Array,
  scores: Float32Array | undefined,
  spelling: Spelling,
): Choice {
  const probability = softmaxAt(logits);
  const chance = scores ? softmaxAt(scores) : (token: number) => (token === id ? 1 : 0);
  let rank = 1;
  for (const logit of logits) if (logit > logits[id]!) rank++;
  return {
    probability: probability(id),
    chance: chance(id),
    rank,
    candidates: topTokens(logits, CANDIDATES).map(({ token }) => ({
      id: token,
      name: spelling.nameOf(token),
      probability: probability(token),
      chance: chance(token),
    })),
  };
}

/** Of a row of scores, the softmax at one place at a time. */
function softmaxAt(scores: Float32Array): (token: number) => number {
  const [best] = topTokens(scores, 1);
  const shift = scores[best!.token]! - best!.logProbability;
  return (token) => Math.exp(scores[token]! - shift);
}

/** What each token looks at, of those from `from` on that the model reads at once. */
export async function look(
  model: GPT2LMHeadModel,
  ids: readonly number[],
  from: number,
): Promise<View> {
  const start = Math.max(from, ids.length - model.contextLength);
  using outputs = model.forward({ inputIds: [ids.slice(start)] }, { outputAttentions: true });
  return { from: start, attention: await readAttention(outputs.attentions!) };
}
