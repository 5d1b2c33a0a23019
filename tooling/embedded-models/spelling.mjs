// What a vocabulary of words leaves out: how the words are spelt that it has not. Without it a model of words
// could not be compared, per byte, with one that can write any text.
import { NgramModel } from './ngrams.mjs';

const END = 256;
const BYTES = 257;

/**
 * The nats that the words of `heldOut` take when they are spelt byte by byte, each with an end, by what
 * follows the four bytes before in those of `train` (interpolated modified Kneser–Ney).
 */
export function spellingNats(train, heldOut, order = 5) {
  const encoder = new TextEncoder();
  const spelt = (word) => [...encoder.encode(word), END];
  const model = new NgramModel(train.flatMap(spelt), order, BYTES);
  let nats = 0;
  for (const word of heldOut) {
    const bytes = [...Array(order - 1).fill(END), ...spelt(word)];
    for (let i = order - 1; i < bytes.length; i++) {
      nats -= Math.log(model.probability(bytes.slice(i - order + 1, i), bytes[i]));
    }
  }
  return nats;
}

/** The words of texts that a tokenizer does not know. */
export function unknownWords(texts, tokenizer) {
  return texts.flatMap((text) => {
    const { ids, offsets } = tokenizer.encode(text, { addSpecialTokens: false });
    return offsets
      .filter((_, i) => ids[i] === tokenizer.unkTokenId)
      .map(([start, end]) => text.slice(start, end));
  });
}
