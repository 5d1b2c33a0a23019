export type { AddedToken } from './added-tokens.js';
export { BertTokenizer, type BertTokenizerOptions } from './bert-tokenizer.js';
export type { Texts } from './count-words.js';
export type { DecodeStream } from './decode-stream.js';
export type { EncodeOptions, TextInput, TruncationStrategy } from './encode-options.js';
export { BatchEncoding, Encoding } from './encoding.js';
export { TokenizerError, type TokenizerErrorCode } from './errors.js';
export type { LoadOptions, ReadFile, TokenizerFiles, TokenizerSource } from './files.js';
export { GPT2Tokenizer, type GPT2TokenizerOptions } from './gpt2-tokenizer.js';
export { type DropoutOptions, loadTokenizer } from './load-tokenizer.js';
export type { TrainingProgress } from './merge-trainer.js';
export { OpenAIGPTTokenizer, type OpenAIGPTTokenizerOptions } from './openai-gpt-tokenizer.js';
export type { SpecialTokens } from './pipeline.js';
export type { TextFile } from './text-files.js';
export {
  type BatchInput,
  type DecodeOptions,
  Tokenizer,
} from './tokenizer.js';
export { type BpeTrainingOptions, trainBpe, trainClassicBpe } from './train-bpe.js';
export { trainWordLevel, type WordLevelTrainingOptions } from './train-word-level.js';
export { trainWordPiece, type WordPieceTrainingOptions } from './train-word-piece.js';
export { TransfoXLTokenizer, type TransfoXLTokenizerOptions } from './transfo-xl-tokenizer.js';
export { saveTokenizer, tokenizerFiles } from './write-files.js';
