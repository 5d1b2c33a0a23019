import { yieldToEventLoop } from '@multihead/nn';
import type { TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { SEGMENT, type View } from './protocol.js';
import { Recurrence } from './recurrence.js';

/**
 * How surprising each token of a text is, in bits, to a model that remembers `memory` tokens.
 *
 * @param ids what stands for the beginning of a text, and the text
 */
export async function measure(
  model: TransfoXLLMHeadModel,
  ids: readonly number[],
  memory: number,
  signal: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const bits = new Float32Array(ids.length - 1);
  using reading = new Recurrence(model, { memLen: memory });
  for (let at = 0; at < bits.length; at += SEGMENT) {
    const end = Math.min(at + SEGMENT, bits.length);
    using outputs = reading.read(ids.slice(at, end), ids.slice(at + 1, end + 1));
    bits.set(
      outputs.losses!.dataSync().map((nats) => nats / Math.LN2),
      at,
    );
    await yieldToEventLoop();
    signal.throwIfAborted();
  }
  return bits;
}

/** What the tokens of one segment look at, with what is remembered of those before it. */
export function look(
  model: TransfoXLLMHeadModel,
  ids: readonly number[],
  { memory, segment }: { memory: number; segment: number },
): View {
  using reading = new Recurrence(model, { memLen: memory });
  const take = (index: number, outputAttentions: boolean) => {
    const [from, end] = [index * SEGMENT, Math.min((index + 1) * SEGMENT, ids.length - 1)];
    return reading.read(ids.slice(from, end), ids.slice(from + 1, end + 1), { outputAttentions });
  };
  for (let before = 0; before < segment; before++) take(before, false).dispose();
  const { remembered } = reading;
  using outputs = take(segment, true);
  const attentions = outputs.attentions!;
  const [, heads, length, keys] = attentions[0]!.shape as [number, number, number, number];
  const size = heads * length * keys;
  const weights = new Float32Array(attentions.length * size);
  for (const [layer, attention] of attentions.entries()) {
    weights.set(attention.dataSync(), layer * size);
  }
  return { memory, segment, remembered, length, layers: attentions.length, heads, weights };
}
