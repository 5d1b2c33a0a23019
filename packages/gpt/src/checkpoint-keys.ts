import type { KeyMap } from '@multihead/nn';
import type { GPTConfig } from './config.js';

/** Buffers that some versions stored: the causal mask, what it hides with, the numbers from 0 on. */
const BUFFERS = /(^|\.)(attn\.(bias|masked_bias)|position_ids)$/;

/** What a model without a head consists of. */
const BARE = /^(wte|wpe|tokens_embed|positions_embed|h|ln_f)\./;

/** The key as today's library writes it, with `transformer.` before the parts of the bare model. */
function canonical(key: string): string | undefined {
  if (BUFFERS.test(key)) return undefined;
  return BARE.test(key) ? `transformer.${key}` : key;
}

/** The bare model's keys have no prefix; heads are left out by name. */
export const bareModelKeys: KeyMap = (key) => canonical(key)?.replace(/^transformer\./, '');

/** A model's keys with a head. A head that is the word embedding is stored once. */
export const headKeys =
  ({ tieWordEmbeddings }: GPTConfig): KeyMap =>
  (key) =>
    tieWordEmbeddings && key === 'lm_head.weight' ? undefined : canonical(key);
