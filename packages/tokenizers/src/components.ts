import { bertChunkEnd } from './bert-chunks.js';
import { BERT } from './bert-tokenizer.js';
import { FullBpe } from './full-bpe.js';
import { byteLevelChunkEnd, GPT2 } from './gpt2-tokenizer.js';
import { Metaspace } from './metaspace.js';
import { BpeDecoder, ByteFallback, MetaspaceDecoder, StripDecoder } from './more-decoders.js';
import { PostProcessorSequence } from './more-post-processors.js';
import { Digits, Punctuation, Whitespace } from './more-pre-tokenizers.js';
import { Prepend, Strip, StripAccents, UnicodeForm } from './normalizers.js';
import { translate } from './oniguruma.js';
import type { ChunkEnd, TokenizerParts } from './pipeline.js';
import type { Components } from './tokenizer-json.js';
import { TRANSFO_XL } from './transfo-xl-tokenizer.js';

const [bert, gpt2, words] = [BERT.components, GPT2.components, TRANSFO_XL.components];

/** Every component of `tokenizer.json` that this package has. */
export const allComponents: Components = {
  translate,
  normalizers: {
    ...bert.normalizers,
    ...words.normalizers,
    ...{ NFC: UnicodeForm, NFD: UnicodeForm, NFKC: UnicodeForm, NFKD: UnicodeForm },
    ...{ StripAccents, Strip, Prepend },
  },
  preTokenizers: {
    ...bert.preTokenizers,
    ...gpt2.preTokenizers,
    ...words.preTokenizers,
    ...{ Whitespace, Punctuation, Digits, Metaspace },
  },
  models: { ...bert.models, BPE: FullBpe, ...words.models },
  postProcessors: {
    ...bert.postProcessors,
    ...gpt2.postProcessors,
    Sequence: PostProcessorSequence,
  },
  decoders: {
    ...bert.decoders,
    ...gpt2.decoders,
    ...words.decoders,
    ...{ BPEDecoder: BpeDecoder, Metaspace: MetaspaceDecoder, Strip: StripDecoder, ByteFallback },
  },
};

/** Where the text can be cut into chunks, if the parts are a family's that knows. */
export function chunkEndOf(parts: TokenizerParts): ChunkEnd | undefined {
  return byteLevelChunkEnd(parts) ?? bertChunkEnd(parts);
}
