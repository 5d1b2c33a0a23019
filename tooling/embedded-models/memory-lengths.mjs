// What a memory is worth: the same tokens foretold with memories of several lengths.
import { evaluateStreams } from '@multihead/training';

/**
 * `{ memoryLength, loss, perplexity, tokens }` of each length: every token of the documents but each one's
 * first, in segments from start to end, each document with an empty memory to begin with.
 */
export async function evaluateMemoryLengths(model, documents, { segmentLength, memoryLengths }) {
  const results = [];
  for (const memoryLength of memoryLengths) {
    let [nats, tokens] = [0, 0];
    for (const ids of documents) {
      if (ids.length < 2) continue;
      const one = await evaluateStreams({ model, ids, segmentLength, memLen: memoryLength });
      nats += one.loss * one.tokens;
      tokens += one.tokens;
    }
    const loss = nats / tokens;
    results.push({ memoryLength, loss, perplexity: Math.exp(loss), tokens });
  }
  return results;
}
