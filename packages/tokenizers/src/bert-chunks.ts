import { BertNormalizer } from './bert-normalizer.js';
import type { ChunkEnd, TokenizerParts } from './pipeline.js';
import { BertPreTokenizer } from './pre-tokenizers.js';

const SPACE = 1;
const ALONE = 2; // a chunk by itself

/**
 * The chunks of BERT's pipeline, if the parts are BERT's. It is cut at characters across which no step
 * looks: before ASCII white space, and around ASCII punctuation and ideographs that stand alone.
 */
export function bertChunkEnd({
  normalizer,
  preTokenizer,
  model,
}: TokenizerParts): ChunkEnd | undefined {
  const isBerts = normalizer instanceof BertNormalizer && preTokenizer instanceof BertPreTokenizer;
  if (!isBerts || model.isRandom) return undefined;
  const kinds = new Uint8Array(0x10000);
  for (let unit = 0; unit < 127; unit++) {
    const char = String.fromCharCode(unit);
    kinds[unit] = /[\t\n\r ]/.test(char) ? SPACE : /[!-/:-@[-`{-~]/.test(char) ? ALONE : 0;
  }
  if (normalizer.json.handle_chinese_chars) {
    // The compatibility ideographs from U+F900 on are not among them: they decompose.
    kinds.fill(ALONE, 0x3400, 0x4dc0).fill(ALONE, 0x4e00, 0xa000);
  }
  return (text, at, to) => {
    let end = at;
    while (end < to && kinds[text.charCodeAt(end)] === SPACE) end++;
    if (end < to && kinds[text.charCodeAt(end)] === ALONE) return end + 1;
    while (end < to && kinds[text.charCodeAt(end)] === 0) end++;
    return end;
  };
}
