import { type CausalModel, Random, yieldToEventLoop } from '@multihead/nn';
import { BeamGroup, type Finished } from './beam-group.js';
import { noTokenLeft } from './choose.js';
import { Decoder } from './decoder.js';
import { throwIfAborted } from './errors.js';
import { logSoftmax } from './numbers.js';
import { logitsProcessors, processed } from './processors.js';
import type { Prompts } from './prompts.js';
import type { Settings } from './settings.js';
import { finishReason } from './stopping.js';
import { contextFull, type GeneratedToken, wanted } from './tokens.js';

/** A token and those before it. Beams share their pasts. */
export interface Trace {
  token: Pick<GeneratedToken, 'logProbability' | 'scores' | 'logits'>;
  before: Trace | undefined;
}

/** Beams of a group, and where the decoder has them. */
interface Place {
  group: BeamGroup<Trace>;
  rows: number[];
}

/**
 * Beam search, with groups (Vijayakumar et al. 2018) and with beams that are drawn: the best
 * `numReturnSequences` texts of each prompt.
 */
export async function beamSearch(
  model: CausalModel,
  given: Settings,
  prompts: Prompts,
): Promise<Finished<Trace>[]> {
  const settings = withinContext(given, prompts, model);
  const { numBeamGroups, numReturnSequences, doSample, seed, signal } = settings;
  const chosenBefore = new Map<number, number>(); // by the groups before, at this step
  const processors = logitsProcessors(settings, prompts.length, (scores) => {
    for (const [token, count] of chosenBefore) scores[token]! -= settings.diversityPenalty! * count;
  });
  const end = (ids: readonly number[]) => {
    const reason = finishReason(ids, settings);
    return reason === 'length' && settings.maxLength < given.maxLength ? 'context' : reason;
  };
  const randoms = prompts.rows.map((_, i) =>
    doSample ? new Random(seed, 'generation', i) : undefined,
  );
  // At first the decoder has a row for each prompt, which all of its beams read.
  const searches = prompts.rows.map((_, row) =>
    Array.from({ length: numBeamGroups }, (): Place => {
      const group = new BeamGroup<Trace>(settings, prompts.length);
      return { group, rows: group.running.map(() => row) };
    }),
  );
  using decoder = new Decoder(model, settings, prompts);
  for (;;) {
    throwIfAborted(signal);
    const steps = await decoder.step();
    throwIfAborted(signal);
    searches.forEach((groups, prompt) => {
      chosenBefore.clear();
      for (const { group, rows } of groups) {
        if (group.isDone) continue;
        const ids = rows.map((row) => decoder.rows[row]!);
        const scores = rows.map((row, i) => {
          const logProbabilities = Float32Array.from(steps[row]!.logits);
          logSoftmax(logProbabilities);
          return processed(logProbabilities, ids[i]!, processors);
        });
        const past = group.running.map(({ trace }) => trace);
        const traceOf = (beam: number, token: number): Trace => ({
          token: wanted(settings, token, steps[rows[beam]!]!.logits, scores[beam]!),
          before: past[beam],
        });
        group.advance(scores, ids, end, traceOf, randoms[prompt]);
        for (const token of group.chosen) {
          chosenBefore.set(token, (chosenBefore.get(token) ?? 0) + 1);
        }
      }
    });
    const open = searches.flat().filter(({ group }) => !group.isDone);
    if (open.length === 0) break;
    moveOn(open, decoder);
    if (settings.onContextFull === 'error') {
      const full = decoder.rows.findIndex((_, row) => decoder.isFull(row));
      if (full >= 0) throw contextFull(full);
    }
    await yieldToEventLoop();
  }
  return searches.flatMap((groups) => {
    const texts = groups.flatMap(({ group }) => group.finished);
    if (texts.length < numReturnSequences) throw noTokenLeft();
    return texts.sort((a, b) => b.score - a.score).slice(0, numReturnSequences);
  });
}

/** Gives the decoder the beams that are still open, in order. */
function moveOn(open: Place[], decoder: Decoder): void {
  const beams = open.flatMap(({ group, rows }) =>
    group.running.map(({ parent, token }) => ({ row: rows[parent]!, token })),
  );
  decoder.select(beams.map(({ row }) => row));
  decoder.append(beams.map(({ token }) => token));
  let next = 0;
  for (const place of open) place.rows = place.group.running.map(() => next++);
}

/** With `onContextFull: 'stop'` the context is a greatest length: beams are compared at one length. */
function withinContext(
  settings: Settings,
  { length, padding }: Prompts,
  model: CausalModel,
): Settings {
  const { contextLength } = model;
  if (contextLength === undefined || settings.onContextFull !== 'stop') return settings;
  const most = Math.min(...padding) + contextLength + 1;
  return { ...settings, maxLength: Math.max(Math.min(settings.maxLength, most), length + 1) };
}

/** The steps of a text, first to last. */
export function unroll(trace: Trace | undefined): Trace['token'][] {
  const tokens: Trace['token'][] = [];
  for (let at = trace; at !== undefined; at = at.before) tokens.push(at.token);
  return tokens.reverse();
}
