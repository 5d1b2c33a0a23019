import { bertComponents, bertFastPath } from './bert-tokenizer.js';
import { Bpe } from './bpe.js';
import { byteLevelFastPath, gpt2Components } from './gpt2-tokenizer.js';
import {
  BpeDecoder,
  ByteFallback,
  DecoderSequence,
  Fuse,
  MetaspaceDecoder,
  ReplaceDecoder,
  StripDecoder,
} from './more-decoders.js';
import { PostProcessorSequence } from './more-post-processors.js';
import {
  Digits,
  Metaspace,
  type PrependScheme,
  PreTokenizerSequence,
  Punctuation,
  Split,
  Whitespace,
  WhitespaceSplit,
} from './more-pre-tokenizers.js';
import {
  Lowercase,
  NormalizerSequence,
  Prepend,
  Replace,
  Strip,
  StripAccents,
  UnicodeForm,
} from './normalizers.js';
import { Pattern, SPLIT_BEHAVIORS, type SplitBehavior } from './pattern.js';
import type { FastPath, Json, TokenizerParts } from './pipeline.js';
import { badFile, type Components, readList, readVocab } from './tokenizer-json.js';
import { WordLevel } from './word-level.js';

/** Every component of `tokenizer.json` that this package has. */
export const allComponents: Components = {
  normalizers: {
    ...bertComponents.normalizers,
    NFC: () => new UnicodeForm('NFC'),
    NFD: () => new UnicodeForm('NFD'),
    NFKC: () => new UnicodeForm('NFKC'),
    NFKD: () => new UnicodeForm('NFKD'),
    Lowercase: () => new Lowercase(),
    StripAccents: () => new StripAccents(),
    Strip: (json) => new Strip(json.strip_left !== false, json.strip_right !== false),
    Replace: (json) => new Replace(Pattern.read(json.pattern), String(json.content)),
    Prepend: (json) => new Prepend(String(json.prepend)),
    Sequence: (json, read) => new NormalizerSequence(readList(json.normalizers).map(read)),
  },
  preTokenizers: {
    ...bertComponents.preTokenizers,
    ...gpt2Components.preTokenizers,
    Whitespace: () => new Whitespace(),
    WhitespaceSplit: () => new WhitespaceSplit(),
    Punctuation: (json) => new Punctuation(behavior(json.behavior ?? 'Isolated')),
    Digits: (json) => new Digits(json.individual_digits === true),
    Split: (json) =>
      new Split(Pattern.read(json.pattern), behavior(json.behavior), json.invert === true),
    Metaspace: (json) => new Metaspace(...metaspaceOptions(json)),
    Sequence: (json, read) => new PreTokenizerSequence(readList(json.pretokenizers).map(read)),
  },
  models: {
    ...bertComponents.models,
    ...gpt2Components.models,
    WordLevel: (json) => new WordLevel(readVocab(json.vocab), String(json.unk_token ?? '<unk>')),
  },
  postProcessors: {
    ...bertComponents.postProcessors,
    ...gpt2Components.postProcessors,
    Sequence: (json, read) => new PostProcessorSequence(readList(json.processors).map(read)),
  },
  decoders: {
    ...bertComponents.decoders,
    ...gpt2Components.decoders,
    BPEDecoder: (json) => new BpeDecoder(String(json.suffix ?? '</w>')),
    Metaspace: (json) => new MetaspaceDecoder(...metaspaceOptions(json)),
    Fuse: () => new Fuse(),
    Strip: (json) => new StripDecoder(String(json.content), Number(json.start), Number(json.stop)),
    Replace: (json) => new ReplaceDecoder(Pattern.read(json.pattern), String(json.content)),
    ByteFallback: () => new ByteFallback(),
    Sequence: (json, read) => new DecoderSequence(readList(json.decoders).map(read)),
  },
};

/** What gives the same as the parts do, faster, if there is such a thing for them. */
export function fastPathOf(parts: TokenizerParts): FastPath | undefined {
  const { model } = parts;
  const isRandom = model instanceof Bpe && !model.isDeterministic;
  return isRandom ? undefined : (byteLevelFastPath(parts) ?? bertFastPath(parts));
}

function metaspaceOptions(json: Json): [string, PrependScheme, boolean] {
  const scheme = json.prepend_scheme ?? (json.add_prefix_space === false ? 'never' : 'always');
  return [String(json.replacement ?? '▁'), scheme as PrependScheme, json.split !== false];
}

function behavior(json: unknown): SplitBehavior {
  return SPLIT_BEHAVIORS.find((known) => known === json) ?? badFile(`a split behavior ${json}`);
}
