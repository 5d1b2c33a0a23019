import type { KeyMap } from '@multihead/nn';
import type { TransfoXLConfig } from './config.js';

/** What the model computes by itself: one over the wavelengths of its positions. */
const BUFFER = /(^|\.)pos_emb\.inv_freq$/;

/** What a model without a head consists of. */
const BARE = /^(word_emb|layers|r_w_bias|r_r_bias|r_bias|r_emb)(\.|$)/;

/** Where u and v are one for all layers, a file may have them with each layer, with the model, or both. */
const LAYERS_BIAS = /^transformer\.layers\.\d+\.dec_attn\.(r_[wr]_bias)$/;

/** The keys as Hugging Face's library writes them, with `transformer.` before the parts of the bare model. */
function canonical({ untieR, attnType }: TransfoXLConfig): KeyMap {
  const shared = new Set<string>();
  const isShared = attnType === 0 && !untieR;
  return (key) => {
    if (BUFFER.test(key)) return undefined;
    const full = BARE.test(key) ? `transformer.${key}` : key;
    const one = isShared ? full.replace(LAYERS_BIAS, 'transformer.$1') : full;
    if (!isShared || !/^transformer\.r_[wr]_bias$/.test(one)) return one;
    const isFirst = !shared.has(one);
    shared.add(one);
    return isFirst ? one : undefined;
  };
}

/** The bare model's keys have no prefix; heads are left out by name. */
export const bareModelKeys = (config: TransfoXLConfig): KeyMap => {
  const full = canonical(config);
  return (key) => full(key)?.replace(/^transformer\./, '');
};

/** A model's keys with a head. What is tied to the embedding is stored once. */
export const headKeys = (config: TransfoXLConfig): KeyMap => {
  const { tieWordEmbeddings, tiedProjections } = config;
  const full = canonical(config);
  return (key) => {
    if (tieWordEmbeddings && /^crit\.out_layers\.\d+\.weight$/.test(key)) return undefined;
    const [, cluster] = /^crit\.out_projs\.(\d+)$/.exec(key) ?? [];
    if (cluster !== undefined && tiedProjections[Number(cluster)]) return undefined;
    return full(key);
  };
};
