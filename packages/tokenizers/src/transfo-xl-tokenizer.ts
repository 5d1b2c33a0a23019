import { WordPieceDecoder } from './decoders.js';
import { badFile, badOption } from './errors.js';
import {
  describedParts,
  type Family,
  type FamilyOptions,
  numbered,
  readFamily,
  specialToken,
} from './family.js';
import type { LoadOptions, TokenizerSource } from './files.js';
import { DecoderSequence, Fuse, ReplaceDecoder } from './more-decoders.js';
import { PreTokenizerSequence, Split, WhitespaceSplit } from './more-pre-tokenizers.js';
import { Lowercase, NormalizerSequence, Replace } from './normalizers.js';
import type { Json } from './pipeline.js';
import { A, sequenceB, special, TemplateProcessing, templateOf } from './post-processors.js';
import { Tokenizer } from './tokenizer.js';
import { WordLevel } from './word-level.js';

/** How a list of words is used. */
export interface TransfoXLTokenizerOptions extends FamilyOptions {
  /** Lower the case (default false). */
  lowerCase?: boolean;
  /** Put `<eos>` after every text, as the corpus of the model has it after every line (default false). */
  addEos?: boolean;
}

/** How a Transformer-XL tokenizer is read. */
export const TRANSFO_XL: Family<TransfoXLTokenizerOptions> = {
  components: {
    normalizers: { Lowercase, Replace, Sequence: NormalizerSequence },
    preTokenizers: { WhitespaceSplit, Split, Sequence: PreTokenizerSequence },
    models: { WordLevel },
    postProcessors: { TemplateProcessing },
    decoders: {
      WordPiece: WordPieceDecoder,
      Fuse,
      Replace: ReplaceDecoder,
      Sequence: DecoderSequence,
    },
  },
  files: ['vocab.txt'],
  readVocabulary(files) {
    const words = files
      .get('vocab.txt')!
      .split('\n')
      .map((line) => line.trim().split(/\s/)[0]!);
    const vocab = numbered(new Set(words.filter((word) => word !== '')));
    return vocab.size > 0 ? { vocab } : badFile('vocab.txt: no word in it');
  },
  // Words of the original's own lists are in capitals; where there are both, its code takes those.
  roles: (vocab) => ({ unkToken: vocab.has('<UNK>') ? '<UNK>' : '<unk>', eosToken: '<eos>' }),
  describing: ['lowerCase', 'addEos'],
  describe: ({ vocab }, { lowerCase, addEos }, { unkToken, eosToken, ...others }) => ({
    model: { type: 'WordLevel', vocab, unk_token: unkToken },
    normalizer: {
      type: 'Sequence',
      normalizers: [...(lowerCase ? [{ type: 'Lowercase' }] : []), ...MOSES_MARKS],
    },
    pre_tokenizer: MOSES_WORDS,
    post_processor: addEos ? afterEach(eosToken!, vocab.get(eosToken!)) : null,
    decoder: MOSES_JOINED,
    added_tokens: [...new Set([unkToken!, eosToken!, ...Object.values(others)])]
      .filter((content) => vocab.has(content))
      .map(specialToken),
  }),
};

/** `A <eos>`, and `A <eos> B <eos>`. */
function afterEach(eos: string, id: number | undefined): Json {
  if (id === undefined) badOption(`addEos: the vocabulary has no ${eos}`);
  const end = special(eos);
  return { type: 'TemplateProcessing', ...templateOf([A, end], [sequenceB(), end], [[eos, id]]) };
}

/**
 * Transformer-XL's tokenizer: words as the Moses scripts cut them, of a fixed list. A hyphen within a
 * word and a comma or point within a number become tokens of their own (`@-@`, `@,@`, `@.@`), which
 * `decode` takes back exactly. Text that is already cut this way, as WikiText is, stays as it is.
 */
export class TransfoXLTokenizer extends Tokenizer {
  override readonly className: string = 'PreTrainedTokenizerFast';

  /**
   * Reads `tokenizer.json`, or else `vocab.txt`, one word a line (what follows the word, such as its
   * count, is left aside), and the files beside them.
   *
   * @param source a folder or file (Node), their URL, a function that reads a file by name, or contents
   * @throws TokenizerError `NOT_FOUND`, `BAD_FILE`, or `UNSUPPORTED` naming the component
   */
  static async fromPretrained(
    source: TokenizerSource,
    options: TransfoXLTokenizerOptions & LoadOptions = {},
  ): Promise<TransfoXLTokenizer> {
    return new TransfoXLTokenizer(await readFamily(TRANSFO_XL, source, options));
  }

  /** A tokenizer over a list of words, in the order of their ids. */
  static fromVocab(
    words: Iterable<string>,
    options: TransfoXLTokenizerOptions = {},
  ): TransfoXLTokenizer {
    return new TransfoXLTokenizer(describedParts(TRANSFO_XL, { vocab: numbered(words) }, options));
  }
}

const replace = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });

/** Sets apart the hyphen within a word, and the comma and point within a number. */
const MOSES_MARKS = [
  replace({ Regex: '(?<=[\\p{L}\\p{N}])-(?=[\\p{L}\\p{N}])' }, ' @-@ '),
  replace({ Regex: '(?<=\\p{Nd}),(?=\\p{Nd})' }, ' @,@ '),
  replace({ Regex: '(?<=\\p{Nd})\\.(?=\\p{Nd})' }, ' @.@ '),
];

/** Names with a point that does not end a sentence. */
const ABBREVIATIONS =
  'Adj|Adm|Adv|Asst|Bart|Bldg|Brig|Bros|Capt|Cmdr|Co|Col|Comdr|Con|Corp|Cpl|Dr|Drs|Ens|Esq|Ft|Gen|Gov|Hon|Hosp|Inc|Insp|Jr|Lt|Ltd|MM|Maj|Messrs|Mlle|Mme|Mr|Mrs|Ms|Msgr|Mt|No|Op|Ord|Pfc|Ph|Prof|Pvt|Rep|Reps|Res|Rev|Rt|Sen|Sens|Sfc|Sgt|Sr|St|Supt|Surg|pp|vs|etc|e\\.g|i\\.e';

/** Words at white space, and punctuation apart from them, by the rules of the Moses tokenizer for English. */
const MOSES_WORDS = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'WhitespaceSplit' },
    {
      type: 'Split',
      pattern: {
        Regex: [
          '@[-,.]@', // what the normalizer made
          '<[\\p{L}_]+>', // <unk>, <eos>, <formula>
          `(?:${ABBREVIATIONS})\\.(?!\\p{L})`,
          '(?:\\p{L}\\.)+(?:\\p{L}(?!\\p{L}))?', // U.S., J., p.m
          "(?<=\\p{L})'\\p{L}+", // the 's of it's
          "(?:^|(?<=\\p{Nd}))'(?:[sdmt]|re|ve|ll)(?!\\p{L})", // by itself already, or the 's of 1990's
          '[\\p{L}\\p{M}\\p{N}]+',
          '\\.{2,}',
          '[^\\p{L}\\p{M}\\p{N}]',
        ].join('|'),
      },
      behavior: 'Isolated',
    },
  ],
};

/** Joins words by spaces, and takes back what the splitting put between them. */
const MOSES_JOINED = {
  type: 'Sequence',
  decoders: [
    // No word begins with this prefix: the decoder then only puts spaces between the tokens.
    { type: 'WordPiece', prefix: '\u0000', cleanup: false },
    { type: 'Fuse' },
    replace({ String: ' @-@ ' }, '-'),
    replace({ String: ' @,@ ' }, ','),
    replace({ String: ' @.@ ' }, '.'),
    replace({ Regex: " (?=[.,;:!?%)\\]}]|'(?:s|t|m|d|re|ve|ll)(?!\\p{L}))" }, ''),
    replace({ Regex: '(?<=[(\\[{$£]) ' }, ''),
  ],
};
