import type { KeyMap } from '@multihead/nn';

/** LayerNorm's parameters in checkpoints converted from TensorFlow. */
const OLD_NAMES: Record<string, string> = {
  'LayerNorm.gamma': 'LayerNorm.weight',
  'LayerNorm.beta': 'LayerNorm.bias',
};

/** A buffer that some versions stored: the numbers from 0 on. */
const POSITION_IDS = /(^|\.)position_ids$/;

/** The key as today's library writes it, with `bert.` before the parts of the bare model. */
function canonical(key: string): string | undefined {
  if (POSITION_IDS.test(key)) return undefined;
  const renamed = key.replace(/LayerNorm\.(gamma|beta)$/, (old) => OLD_NAMES[old]!);
  return /^(embeddings|encoder|pooler)\./.test(renamed) ? `bert.${renamed}` : renamed;
}

/** The bare model's keys have no prefix; heads and other prefixes are left out by name. */
export const bareModelKeys: KeyMap = (key) => {
  const name = canonical(key);
  return name?.startsWith('bert.') ? name.slice('bert.'.length) : name;
};

/** A classifier's keys; what stands beside it by name is left out. */
export const classifierKeys: KeyMap = canonical;

/**
 * A masked-LM model's keys. What is tied is stored once: a decoder that is the word embedding, and
 * its bias, go by the name they have here.
 */
export const maskedLMKeys =
  (tied: boolean): KeyMap =>
  (key) => {
    const name = canonical(key);
    const copies = tied
      ? ['cls.predictions.decoder.weight', 'cls.predictions.decoder.bias']
      : ['cls.predictions.bias'];
    return name === undefined || copies.includes(name) ? undefined : name;
  };
