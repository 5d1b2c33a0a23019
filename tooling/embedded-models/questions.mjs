// What the model and the baselines are asked: held-out text in rows as the model takes them, and the
// places in each row that are masked. Every chosen token becomes [MASK].
import { Random } from '@multihead/nn';
import { packDocuments } from '@multihead/training';

/** The documents of a text as `multihead pretrain` packs them: rows `[CLS] … [SEP]` of ids. */
export function packText(text, tokenizer, maxLength) {
  const documents = text.split(/\n{2,}/).map((document) => {
    const lines = document
      .split('\n')
      .map((line) => tokenizer.encodeIds(line, { addSpecialTokens: false }));
    return Int32Array.from(lines.flatMap((ids) => [...ids]));
  });
  const { clsTokenId, sepTokenId } = tokenizer;
  return packDocuments(documents, { maxLength, clsTokenId, sepTokenId });
}

/** Rows with some places masked: `{ ids, masked, places }`, where `ids` has the truth. */
export function askAbout(rows, tokenizer, { seed, probability }) {
  const special = new Set(tokenizer.specialTokenIds);
  const random = new Random(seed, 'questions');
  return rows.map((ids) => {
    const masked = Int32Array.from(ids);
    const places = [];
    for (let i = 0; i < ids.length; i++) {
      if (special.has(ids[i]) || random.uniform() >= probability) continue;
      masked[i] = tokenizer.maskTokenId;
      places.push(i);
    }
    return { ids, masked, places };
  });
}

/** Adds answers up: `add` takes the probability of the truth and whether it came first. */
export function tally() {
  let count = 0;
  let hits = 0;
  let nats = 0;
  return {
    add(probability, isFirst) {
      count++;
      if (isFirst) hits++;
      nats -= Math.log(probability);
    },
    result: () => ({
      count,
      accuracy: hits / count,
      loss: nats / count,
      perplexity: Math.exp(nats / count),
    }),
  };
}
