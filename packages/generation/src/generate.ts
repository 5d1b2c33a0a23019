import type { CausalModel } from '@multihead/nn';
import { beamSearch, unroll } from './beam-search.js';
import { contrastiveSearch } from './contrastive-search.js';
import type { GenerateOptions } from './options.js';
import { type GenerateInputs, type Prompts, readPrompts } from './prompts.js';
import { readSettings, type Settings, withPrompts } from './settings.js';
import type { FinishReason } from './stopping.js';
import { type GeneratedToken, generateTokens } from './tokens.js';

/** One entry a text; the `numReturnSequences` texts of the first prompt come first. */
export interface GenerateOutput {
  /** Prompt, its padding included, and what was generated. A row ends where its text does. */
  sequences: number[][];
  /** What was generated, the end token included. */
  generated: number[][];
  finishReasons: FinishReason[];
  /** What `seed` gives these texts again. */
  seed: number;
  /** Of beam search: log-probability / length^lengthPenalty. */
  sequencesScores?: number[];
  /** With `outputLogProbabilities`: of each generated token, by the model itself, in nats. */
  logProbabilities?: number[][];
  /** With `outputScores`: for each generated token what it was chosen by, one score a token of the vocabulary. */
  scores?: Float32Array[][];
  /** With `outputLogits`: for each generated token what the model gave. */
  logits?: Float32Array[][];
}

/**
 * Texts that go on from prompts: by `options` the most probable token each time, tokens drawn at
 * random, beam search or contrastive search.
 *
 * @throws GenerationError; ModelError of the model's steps
 */
export async function generate(
  model: CausalModel,
  inputs: GenerateInputs,
  options: GenerateOptions = {},
): Promise<GenerateOutput> {
  const { settings, prompts } = prepare(model, inputs, options);
  const { numReturnSequences, seed } = settings;
  if (settings.numBeams > 1) {
    const texts = await beamSearch(model, settings, prompts);
    return {
      sequences: texts.map(({ ids }) => ids),
      generated: texts.map(({ ids }) => ids.slice(prompts.length)),
      finishReasons: texts.map(({ reason }) => reason),
      seed,
      sequencesScores: texts.map(({ score }) => score),
      ...details(
        settings,
        texts.map(({ trace }) => unroll(trace)),
      ),
    };
  }
  const count = prompts.rows.length * numReturnSequences;
  const texts = Array.from({ length: count }, (): GeneratedToken[] => []);
  for await (const token of tokensOf(model, settings, prompts)) texts[token.row]!.push(token);
  const generated = texts.map((text) => text.map(({ token }) => token));
  return {
    sequences: generated.map((ids, i) => [
      ...prompts.rows[Math.floor(i / numReturnSequences)]!,
      ...ids,
    ]),
    generated,
    finishReasons: texts.map((text) => text.at(-1)!.finishReason!),
    seed,
    ...details(settings, texts),
  };
}

/** @throws GenerationError for options, prompts and lengths that do not go together */
export function prepare(
  model: CausalModel,
  inputs: GenerateInputs,
  options: GenerateOptions,
): { settings: Settings; prompts: Prompts } {
  const settings = readSettings(model, options);
  const prompts = readPrompts(inputs, model, settings);
  return { settings: withPrompts(settings, prompts, model), prompts };
}

/** Token by token, by the search that the settings ask for. */
export function tokensOf(
  model: CausalModel,
  settings: Settings,
  prompts: Prompts,
): AsyncGenerator<GeneratedToken, void, void> {
  const search = settings.penaltyAlpha ? contrastiveSearch : generateTokens;
  return search(model, settings, prompts);
}

/** What the options ask for of every token, put together by text. */
function details(
  settings: Settings,
  texts: Pick<GeneratedToken, 'logProbability' | 'scores' | 'logits'>[][],
): Pick<GenerateOutput, 'logProbabilities' | 'scores' | 'logits'> {
  const each = <T>(of: (token: (typeof texts)[0][0]) => T) => texts.map((text) => text.map(of));
  return {
    ...(settings.outputLogProbabilities && {
      logProbabilities: each(({ logProbability }) => logProbability!),
    }),
    ...(settings.outputScores && { scores: each(({ scores }) => scores!) }),
    ...(settings.outputLogits && { logits: each(({ logits }) => logits!) }),
  };
}
