/**
 * What went wrong, as a stable word:
 *
 * - `WRONG_SHAPE`: a tensor's shape is not the one its place asks for
 * - `MISSING_KEYS`: a checkpoint lacks weights the model needs
 * - `ID_OUT_OF_RANGE`: a token, type, position or label id has no row
 * - `BAD_INPUT`: ragged rows, empty input, a value of the wrong kind
 * - `CONTEXT_EXCEEDED`: more tokens than the model has positions or the state has room for
 * - `BAD_CONFIG`: a configuration that contradicts itself or asks for what is not supported
 * - `QUANTIZED`: a weight held in int8 was to be trained, saved or read as floats
 * - `DISPOSED`: a parameter, model or cache was used after `dispose()`
 */
export type ModelErrorCode =
  | 'WRONG_SHAPE'
  | 'MISSING_KEYS'
  | 'ID_OUT_OF_RANGE'
  | 'BAD_INPUT'
  | 'CONTEXT_EXCEEDED'
  | 'BAD_CONFIG'
  | 'QUANTIZED'
  | 'DISPOSED';

/** An error a caller can act on: `code` is stable, `message` says what, where and what to do. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  constructor(
    readonly code: ModelErrorCode,
    message: string,
  ) {
    super(message);
  }
}
