import { type CausalModel, yieldToEventLoop } from '@multihead/nn';
import { Decoder } from './decoder.js';
import { throwIfAborted } from './errors.js';
import { distribution, largest } from './numbers.js';
import { logitsProcessors, processed } from './processors.js';
import type { Prompts } from './prompts.js';
import type { Settings } from './settings.js';
import { type GeneratedToken, markEnds, wanted } from './tokens.js';

/** A text: what may follow it, and the direction of the model's output at each of its tokens. */
interface Text {
  row: number;
  logits: Float32Array;
  directions: Float32Array[];
}

/**
 * Contrastive search (Su et al. 2022, eq. 5): of the `topK` most probable tokens the one with the
 * largest (1 − α) · probability − α · likeness, where likeness is the largest cosine between the model's
 * last hidden state at that token and at any token before it. Each step reads all candidates at once.
 */
export async function* contrastiveSearch(
  model: CausalModel,
  settings: Settings,
  prompts: Prompts,
): AsyncGenerator<GeneratedToken, void, void> {
  const {
    penaltyAlpha: alpha,
    topK,
    signal,
  } = settings as Settings & Record<'penaltyAlpha' | 'topK', number>;
  const processors = logitsProcessors(settings, prompts.length);
  using decoder = new Decoder(model, settings, prompts);
  throwIfAborted(signal);
  const read = await decoder.step({ outputHiddenStates: true });
  let texts = read.map(({ logits, hidden }, row): Text => {
    // A prompt longer than the context is read from where the context begins.
    const unread = prompts.length - hidden!.length;
    const padding = Math.max(0, prompts.padding[row]! - unread);
    return { row, logits, directions: hidden!.slice(padding).map(unit) };
  });
  while (texts.length > 0) {
    throwIfAborted(signal);
    const candidates = texts.map(({ logits }, i) => {
      const scores = processed(logits, decoder.rows[i]!, processors);
      return { scores, shares: distribution(scores).shares, tokens: largest(scores, topK) };
    });
    // Every candidate in a row of its own; then the rows of those that were chosen.
    const places = candidates.flatMap(({ tokens }, text) => tokens.map(() => text));
    decoder.select(places);
    decoder.append(candidates.flatMap(({ tokens }) => tokens));
    const steps = await decoder.step({ outputHiddenStates: true });
    throwIfAborted(signal);
    const chosen: number[] = [];
    let first = 0;
    const tokens = texts.map((text, i): GeneratedToken => {
      const { tokens, shares, scores } = candidates[i]!;
      const directions = tokens.map((_, k) => unit(steps[first + k]!.hidden!.at(-1)!));
      const values = tokens.map(
        (token, k) =>
          (1 - alpha) * shares[token]! - alpha * likeness(directions[k]!, text.directions),
      );
      const best = values.indexOf(Math.max(...values));
      const token = tokens[best]!;
      const result = { row: text.row, token, ...wanted(settings, token, text.logits, scores) };
      chosen.push(first + best);
      text.logits = steps[first + best]!.logits;
      text.directions.push(directions[best]!);
      first += tokens.length;
      return result;
    });
    decoder.select(chosen);
    const open = markEnds(tokens, decoder, settings, 1);
    if (open.length > 0) decoder.select(open);
    texts = open.map((i) => texts[i]!);
    for (const token of tokens) {
      throwIfAborted(signal);
      yield token;
    }
    if (texts.length > 0) await yieldToEventLoop();
  }
}

/** The vector at length 1. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  return vector.map((x) => x / length);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const likeness = (direction: Float32Array, before: Float32Array[]): number =>
  before.reduce((most, other) => Math.max(most, dot(direction, other)), -1);
