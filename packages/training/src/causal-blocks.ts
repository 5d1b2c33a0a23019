import { expectWhole } from './errors.js';

export interface CausalBlocksOptions {
  /** Tokens of a block. */
  blockLength: number;
  /** Stands after every document; left out where undefined. */
  eosTokenId?: number | undefined;
  /** Leave out what does not fill a last block; default true. */
  dropLast?: boolean;
}

/**
 * Cuts documents, given as ids, into blocks of one length to train a causal language model on: all of
 * them end to end, an end-of-text token after each, nothing padded and nothing lost but the rest at the
 * end (Radford et al. 2019, §2; as Hugging Face's `run_clm` groups its texts).
 *
 * @throws TrainingError `BAD_OPTION` for a block of less than two tokens, which leaves nothing to predict
 */
export function causalBlocks(
  documents: Iterable<ArrayLike<number>>,
  { blockLength, eosTokenId, dropLast = true }: CausalBlocksOptions,
): Int32Array[] {
  expectWhole('causalBlocks: blockLength', blockLength, 2);
  const blocks: Int32Array[] = [];
  const block = new Int32Array(blockLength);
  let at = 0;
  const add = (id: number) => {
    block[at++] = id;
    if (at < blockLength) return;
    blocks.push(block.slice());
    at = 0;
  };
  for (const document of documents) {
    for (let i = 0; i < document.length; i++) add(document[i]!);
    if (eosTokenId !== undefined && document.length > 0) add(eosTokenId);
  }
  // A single token has nothing after it to predict.
  if (!dropLast && at > 1) blocks.push(block.slice(0, at));
  return blocks;
}
