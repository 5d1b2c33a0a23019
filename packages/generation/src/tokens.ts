import { type CausalModel, Random, yieldToEventLoop } from '@multihead/nn';
import { choose, logProbability } from './choose.js';
import { Decoder } from './decoder.js';
import { GenerationError, throwIfAborted } from './errors.js';
import { logitsProcessors, processed } from './processors.js';
import type { Prompts } from './prompts.js';
import type { Settings } from './settings.js';
import { type FinishReason, finishReason } from './stopping.js';

/** A token as it is generated. */
export interface GeneratedToken {
  /** Which text it belongs to: the texts of the first prompt come first. */
  row: number;
  token: number;
  /** With `outputLogProbabilities`: by the model itself, whatever processors made of it; in nats. */
  logProbability?: number;
  /** With `outputScores`: what it was chosen by, one a token of the vocabulary. */
  scores?: Float32Array;
  /** With `outputLogits`: what the model gave. */
  logits?: Float32Array;
  /** With its last token, why the text ended. */
  finishReason?: FinishReason;
}

/** Greedy decoding and sampling: one token after the other, of every text at once. */
export async function* generateTokens(
  model: CausalModel,
  settings: Settings,
  prompts: Prompts,
): AsyncGenerator<GeneratedToken, void, void> {
  const { numReturnSequences: copies, doSample, seed, signal } = settings;
  const processors = logitsProcessors(settings, prompts.length);
  let texts = Array.from({ length: prompts.rows.length * copies }, (_, text) => text);
  // A text has a generator of its own, so that it does not depend on which others have ended.
  const randoms = texts.map((text) =>
    doSample ? new Random(seed, 'generation', text) : undefined,
  );
  using decoder = new Decoder(model, settings, prompts);
  for (let isFirst = true; texts.length > 0; isFirst = false) {
    throwIfAborted(signal);
    let steps = await decoder.step();
    throwIfAborted(signal);
    if (isFirst && copies > 1) {
      const prompt = texts.map((text) => Math.floor(text / copies)); // read once, not once a text
      decoder.select(prompt);
      steps = prompt.map((row) => steps[row]!);
    }
    const tokens = steps.map(({ logits }, i): GeneratedToken => {
      const scores = processed(logits, decoder.rows[i]!, processors);
      const token = choose(scores, randoms[texts[i]!]);
      return { row: texts[i]!, token, ...wanted(settings, token, logits, scores) };
    });
    decoder.append(tokens.map(({ token }) => token));
    const open = markEnds(tokens, decoder, settings);
    if (open.length > 0) decoder.select(open);
    texts = open.map((i) => texts[i]!);
    for (const token of tokens) {
      throwIfAborted(signal);
      yield token;
    }
    if (texts.length > 0) await yieldToEventLoop();
  }
}

/** What the options ask for beside the token. */
export function wanted(
  { outputLogProbabilities, outputScores, outputLogits }: Settings,
  token: number,
  logits: Float32Array,
  scores: Float32Array,
): Pick<GeneratedToken, 'logProbability' | 'scores' | 'logits'> {
  return {
    ...(outputLogProbabilities && { logProbability: logProbability(logits, token) }),
    ...(outputScores && { scores: Float32Array.from(scores) }),
    ...(outputLogits && { logits: Float32Array.from(logits) }),
  };
}

/**
 * Marks the tokens that end their texts, and gives the indices of the others.
 *
 * @param more how many tokens the search reads ahead of a text's end
 * @throws GenerationError `CONTEXT_FULL`
 */
export function markEnds(
  tokens: GeneratedToken[],
  decoder: Decoder,
  settings: Settings,
  more = 0,
): number[] {
  return [...tokens.keys()].filter((i) => {
    let reason = finishReason(decoder.rows[i]!, settings);
    if (reason === undefined && decoder.isFull(i, more)) {
      if (settings.onContextFull === 'error') throw contextFull(tokens[i]!.row);
      if (settings.onContextFull === 'stop') reason = 'context';
    }
    if (reason !== undefined) tokens[i]!.finishReason = reason;
    return reason === undefined;
  });
}

export function contextFull(text: number): GenerationError {
  return new GenerationError(
    'CONTEXT_FULL',
    `Text ${text} fills the model's context and has not ended. Ask for fewer tokens, or see onContextFull.`,
  );
}
