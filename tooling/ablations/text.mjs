// The corpus as characters' numbers.
import { readCorpus, toText } from '@multihead/embedded-models/corpus.mjs';

/**
 * Text to learn from and text held out (whole documents, as for the embedded models); `vocabSize` characters,
 * numbered in the order of their code points.
 *
 * @param source which of the texts
 */
export async function readCharacters(source) {
  const documents = (await readCorpus()).filter((one) => one.source === source);
  const text = (heldOut) => toText(documents.filter((one) => one.heldOut === heldOut));
  const [train, heldOut] = [text(false), text(true)];
  const characters = [...new Set(train + heldOut)].sort();
  const numbers = new Map(characters.map((character, i) => [character, i]));
  const encode = (text) => Int32Array.from(text, (character) => numbers.get(character));
  return { train: encode(train), heldOut: encode(heldOut), vocabSize: characters.length };
}
