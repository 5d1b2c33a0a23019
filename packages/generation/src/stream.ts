import type { CausalModel } from '@multihead/nn';
import { GenerationError } from './errors.js';
import { prepare, tokensOf } from './generate.js';
import type { GenerateOptions } from './options.js';
import type { GenerateInputs } from './prompts.js';
import type { Settings } from './settings.js';
import type { GeneratedToken } from './tokens.js';

export interface StreamedToken extends GeneratedToken {
  /**
   * With `tokenizer`: the text that is certain now, often a word, at times nothing. The texts of a row
   * put together are what it says.
   */
  text?: string;
}

/**
 * The same texts as `generate`, token by token as they come. Computation is on demand: a step is taken
 * when the next token is asked for, so that a loop that waits is a pause, and a loop that is left
 * (`break`, `return()`) frees everything. So does an abort, even in a pause; the next token asked for
 * is then the error `ABORTED`.
 *
 * ```ts
 * for await (const { text } of stream(model, tokenizer.encode('Call me'), { tokenizer })) write(text);
 * ```
 *
 * @throws GenerationError as `generate`, at once where options or prompts are wrong; `CONTRADICTION` for
 *   beam search, whose texts are not known before its end
 */
export function stream(
  model: CausalModel,
  inputs: GenerateInputs,
  options: GenerateOptions = {},
): AsyncGenerator<StreamedToken, void, void> {
  const { settings, prompts } = prepare(model, inputs, options);
  if (settings.numBeams > 1) {
    throw new GenerationError(
      'CONTRADICTION',
      'A beam search knows its texts only at its end: use generate, or stream without numBeams.',
    );
  }
  return withText(tokensOf(model, settings, prompts), settings);
}

async function* withText(
  tokens: AsyncGenerator<GeneratedToken, void, void>,
  { tokenizer, skipSpecialTokens = true }: Settings,
): AsyncGenerator<StreamedToken, void, void> {
  if (tokenizer === undefined) return yield* tokens;
  const streams = new Map<number, ReturnType<typeof tokenizer.decodeStream>>();
  for await (const token of tokens) {
    const { row, finishReason } = token;
    if (!streams.has(row)) streams.set(row, tokenizer.decodeStream({ skipSpecialTokens }));
    const decoder = streams.get(row)!;
    const text = decoder.push(token.token);
    yield { ...token, text: finishReason === undefined ? text : text + decoder.end() };
  }
}
