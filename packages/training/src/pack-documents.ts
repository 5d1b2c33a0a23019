import { expectWhole } from './errors.js';

export interface PackOptions {
  /** Longest block, special tokens included. */
  maxLength: number;
  /** Begins every block; left out where undefined. */
  clsTokenId?: number | undefined;
  /** Ends every document and every block; left out where undefined. */
  sepTokenId?: number | undefined;
  /** Leave out what does not fill a last block; default false. */
  dropLast?: boolean;
}

/**
 * Cuts documents, given as ids without special tokens, into blocks `[CLS] … [SEP]` for pre-training.
 * A block is filled across the ends of documents, where a `[SEP]` stands (FULL-SENTENCES in Liu et
 * al. 2019, §4.2), so that no place is wasted on padding. Only the last block may be shorter.
 *
 * @throws TrainingError `BAD_OPTION` where `maxLength` leaves no room for text
 */
export function packDocuments(
  documents: Iterable<ArrayLike<number>>,
  { maxLength, clsTokenId, sepTokenId, dropLast = false }: PackOptions,
): Int32Array[] {
  const extra = Number(clsTokenId !== undefined) + Number(sepTokenId !== undefined);
  expectWhole('packDocuments: maxLength', maxLength, extra + 1);
  const end = maxLength - Number(sepTokenId !== undefined);
  const blocks: Int32Array[] = [];
  const block = new Int32Array(maxLength);
  const first = Number(clsTokenId !== undefined);
  if (clsTokenId !== undefined) block[0] = clsTokenId;
  let at = first;

  const close = () => {
    // After the end of a document there is a separator already.
    const separated = at > first && block[at - 1] === sepTokenId;
    if (sepTokenId !== undefined && !separated) block[at++] = sepTokenId;
    blocks.push(block.slice(0, at));
    at = first;
  };
  for (const document of documents) {
    for (let i = 0; i < document.length; i++) {
      if (at === end) close();
      block[at++] = document[i]!;
    }
    if (sepTokenId !== undefined && document.length > 0) {
      if (at === end) close();
      else block[at++] = sepTokenId;
    }
  }
  if (at > first && !(dropLast && at < end)) close();
  return blocks;
}
