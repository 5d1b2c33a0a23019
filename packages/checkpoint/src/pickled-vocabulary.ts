import { CheckpointError, quote } from './errors.js';
import { openPickle } from './pickle-file.js';
import { PickledObject, type PickleValue } from './pickle-values.js';
import { randomFile } from './random-file.js';
import { blobFile, bytesFile } from './source.js';

/** A list of words as Transformer-XL's tokenizers kept it. */
export interface PickledVocabulary {
  /** The words in the order of their ids, each once. */
  words: string[];
  /** Whether texts are lowered, where the file says so. */
  lowerCase: boolean | undefined;
  /** The word that stands for unknown ones, if one does. */
  unkToken: string | undefined;
}

/**
 * Reads the words of `vocab.pkl` or `vocab.bin` (Hugging Face's TransfoXLTokenizer), of the original's
 * `cache.pt` and `cache.pkl`, and of pickled dicts of ids by word and lists of words. Nothing of the
 * file is executed.
 *
 * @throws CheckpointError BAD_PICKLE where there are no words in it; PICKLE_REFUSED and others as `readTorch`
 */
export async function readPickledVocabulary(
  source: Uint8Array | Blob,
  { file = 'the given file', signal }: { file?: string; signal?: AbortSignal } = {},
): Promise<PickledVocabulary> {
  const opened = 'stream' in source ? blobFile(source, file) : bytesFile(source, file);
  const random = await randomFile(opened, signal);
  const { value } = await openPickle(random);
  await random.close();

  const vocabulary = attribute(value, 'vocab') ?? value; // of a corpus, or by itself
  const byId = attribute(vocabulary, 'idx2sym') ?? vocabulary;
  const byWord = attribute(vocabulary, 'sym2idx') ?? vocabulary;
  const words = Array.isArray(byId) ? byId : inOrder(byWord);
  if (words === undefined || words.length === 0) {
    const reason = 'no list of words is in it, nor a dict of their ids (idx2sym, sym2idx)';
    throw new CheckpointError('BAD_PICKLE', reason, { file });
  }
  const seen = new Set<string>();
  for (const word of words) {
    if (typeof word === 'string' && !seen.has(word)) {
      seen.add(word);
      continue;
    }
    const reason = typeof word === 'string' ? `${quote(word)} has two ids` : 'an id has no word';
    throw new CheckpointError('BAD_PICKLE', reason, { file });
  }
  const lowerCase = attribute(vocabulary, 'lower_case');
  const unknown = words[Number(attribute(vocabulary, 'unk_idx') ?? -1)] as string | undefined;
  return {
    words: [...seen],
    lowerCase: typeof lowerCase === 'boolean' ? lowerCase : undefined,
    unkToken: unknown ?? ['<unk>', '<UNK>'].find((word) => seen.has(word)),
  };
}

/** What an object, or a dict of its attributes, has under a name. */
function attribute(value: PickleValue, name: string): PickleValue | undefined {
  if (value instanceof PickledObject) return value.state.get(name);
  return value instanceof Map ? value.get(name) : undefined;
}

/** The keys of a dict in the order of its values, which number them from 0 on. */
function inOrder(value: PickleValue): PickleValue[] | undefined {
  if (!(value instanceof Map) || value.size === 0) return undefined;
  const words: PickleValue[] = Array(value.size).fill(null);
  for (const [word, id] of value) {
    if (typeof id !== 'number' || !(id in words) || words[id] !== null) return undefined;
    words[id] = word;
  }
  return words;
}
