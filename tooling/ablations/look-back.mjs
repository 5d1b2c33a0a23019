// How far back a model looks, by how much it remembers.
import { loadFolder } from '@multihead/checkpoint';
import { readCorpus, toText } from '@multihead/embedded-models/corpus.mjs';
import { loadTokenizer } from '@multihead/tokenizers';
import { contextLosses, relativeContextLengths } from '@multihead/training';
import { TransfoXLLMHeadModel } from '@multihead/transformer-xl';

/** Measures it, where there is no result yet, on the texts that the model in the folder has not seen. */
export async function runLookBack({ recipe, folder, results, signal, onProgress }) {
  const { lookBack } = recipe;
  if (await results.read('look-back', lookBack)) return;
  const documents = await heldOut(folder, Math.max(...lookBack.contextLengths));
  const losses = {};
  for (const memory of lookBack.memoryLengths) {
    const model = await remembering(folder, memory);
    try {
      const told = (progress) => onProgress?.({ memory, ...progress });
      losses[memory] = await lossesOf({ model, documents, lookBack, signal, onProgress: told });
    } finally {
      model.dispose();
    }
  }
  await results.write('look-back', lookBack, lookingBack(losses, lookBack));
}

/** The losses of all documents, by context. */
export async function lossesOf({ model, documents, lookBack, signal, onProgress }) {
  const { contextLengths, segmentLength, stride } = lookBack;
  const all = contextLengths.map((contextLength) => ({ contextLength, losses: [] }));
  for (const [i, ids] of documents.entries()) {
    const lengths = { contextLengths, segmentLength, stride };
    const own = await contextLosses({ model, ids, ...lengths, batchSize: 64, signal });
    for (const [at, { losses }] of own.entries()) all[at].losses.push(...losses);
    onProgress?.({ document: i + 1, documents: documents.length });
  }
  return all;
}

/** RECL and gains by ratio and memory, and what each context costs on the whole, in nats. */
export function lookingBack(losses, { ratios }) {
  const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  return {
    tokens: Object.values(losses)[0][0].losses.length,
    losses: Object.fromEntries(
      Object.entries(losses).map(([memory, own]) => [memory, own.map((one) => mean(one.losses))]),
    ),
    ratios: ratios.map((ratio) => ({ ratio, memories: relativeContextLengths(losses, { ratio }) })),
  };
}

/** The model of the folder, whatever its configuration says of the memory. */
async function remembering(folder, memory) {
  const opened = await loadFolder(folder);
  const config = { ...opened.config, mem_len: memory };
  return TransfoXLLMHeadModel.fromPretrained({ ...opened, config });
}

/** Ids of the documents from which a token with so many before it can be taken. */
async function heldOut(folder, contextLength) {
  const tokenizer = await loadTokenizer(folder);
  return (await readCorpus())
    .filter(({ heldOut }) => heldOut)
    .map((document) => tokenizer.encodeIds(toText([document]).trimEnd()))
    .filter(({ length }) => length > contextLength);
}
