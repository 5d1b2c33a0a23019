export type { AddedToken } from './added-tokens.js';
export { BertTokenizer, type BertTokenizerOptions } from './bert-tokenizer.js';
export type { EncodeOptions, TextInput, TruncationStrategy } from './encode-options.js';
export { BatchEncoding, Encoding } from './encoding.js';
export { TokenizerError, type TokenizerErrorCode } from './errors.js';
export type { LoadOptions, ReadFile, TokenizerFiles, TokenizerSource } from './files.js';
export type { TrainingProgress } from './merge-trainer.js';
export {
  type BatchInput,
  type DecodeOptions,
  type SpecialTokens,
  Tokenizer,
} from './tokenizer.js';
export { trainWordPiece, type WordPieceTrainingOptions } from './train-word-piece.js';
