import {
  type GenerateOptions,
  type GenerationConfig,
  generate,
  readGenerationConfig,
  stream,
} from '@multihead/generation';
import type { Command } from 'commander';
import pc from 'picocolors';
import { type LoadedCausalModel, loadCausalModel } from './causal-model.js';
import { Continuation } from './continuation.js';
import { CliError } from './errors.js';
import { asTyped, type GenerateCommandOptions, generationOptions } from './generate-options.js';
import { GrowingTexts } from './growing-texts.js';
import { interruptible } from './interruption.js';
import { print } from './output.js';
import { readTexts } from './text.js';

/** Prints what goes on from each prompt. */
export async function printGeneratedTexts(
  prompts: string[],
  options: GenerateCommandOptions,
  command: Command,
): Promise<void> {
  if (prompts.length === 0 && process.stdin.isTTY) {
    throw new CliError('USAGE', 'Give a prompt ("" for none), or pipe prompts in, a line each.');
  }
  const loaded = await loadCausalModel(options);
  try {
    const settings = await settingsOf(options, loaded);
    let isFirst = true;
    for await (const batch of inBatches(readPrompts(prompts), options.batchSize)) {
      await goOn(loaded, batch, settings, options, isFirst);
      isFirst = false;
    }
    if (isFirst) throw new CliError('BAD_INPUT', 'There is no prompt in standard input.');
  } catch (error) {
    throw forPeople(error, options, command);
  } finally {
    loaded.model.dispose();
  }
}

/** An argument may be empty; a line of standard input that is empty is none. */
async function* readPrompts(prompts: readonly string[]): AsyncGenerator<string> {
  for (const prompt of prompts.length > 0 ? prompts : ['-']) {
    if (prompt !== '-') yield prompt;
    else for await (const line of readTexts(['-'])) if (line.trim() !== '') yield line;
  }
}

async function* inBatches(
  prompts: AsyncIterable<string>,
  size: number,
): AsyncGenerator<[string, ...string[]]> {
  let batch: string[] = [];
  for await (const prompt of prompts) {
    batch.push(prompt);
    if (batch.length < size) continue;
    yield batch as [string, ...string[]];
    batch = [];
  }
  if (batch.length > 0) yield batch as [string, ...string[]];
}

/** What all prompts have in common. */
async function settingsOf(
  options: GenerateCommandOptions,
  { model, tokenizer, folder }: LoadedCausalModel,
): Promise<GenerateOptions> {
  const json = await folder.readJson('generation_config.json');
  const generationConfig: GenerationConfig = json === undefined ? {} : readGenerationConfig(json);
  const given = generationOptions(options, tokenizer);
  const needsText = given.stopStrings ?? generationConfig.stopStrings;
  // Rows of the embedding table beyond the tokenizer's tokens mean nothing.
  const beyond = Array.from(
    { length: model.vocabSize - tokenizer.vocabSize },
    (_, i) => tokenizer.vocabSize + i,
  );
  const { suppressTokens: suppressed = generationConfig.suppressTokens ?? [] } = given;
  const suppressTokens = [...suppressed, ...beyond];
  const isDrawn = given.doSample ?? generationConfig.doSample ?? false;
  return {
    ...given,
    generationConfig,
    ...(suppressTokens.length > 0 && { suppressTokens }),
    ...(needsText !== undefined && { tokenizer }),
    // Chosen here, so that it can be told.
    ...(isDrawn && { seed: given.seed ?? Math.floor(Math.random() * 2 ** 32) }),
    outputLogProbabilities: options.json ?? false,
  };
}

/** Goes on from some prompts at once, and prints their texts. @throws CliError `INTERRUPTED` */
async function goOn(
  loaded: LoadedCausalModel,
  prompts: [string, ...string[]],
  settings: GenerateOptions,
  { json, quiet, prompt: withPrompt }: GenerateCommandOptions,
  isFirst: boolean,
): Promise<void> {
  const ids = prompts.map((prompt) => loaded.tokenizer.encodeIds(prompt));
  const { generationConfig, seed } = settings;
  const count = settings.numReturnSequences ?? generationConfig?.numReturnSequences ?? 1;
  // As `generate` gives them: the texts of the first prompt first.
  const texts = ids.flatMap((row) =>
    Array.from({ length: count }, () => new Continuation(loaded.tokenizer, row)),
  );
  const interruption = interruptible('Stopping …');
  const starts = texts.map((_, row) =>
    withPrompt ? pc.bold(prompts[Math.floor(row / count)]!) : '',
  );
  let view: GrowingTexts | undefined;
  const show = (row: number, piece: string, isEnd: boolean) => {
    if (json) return;
    const write = (text: string) => process.stdout.write(text);
    view ??= new GrowingTexts(starts, isFirst, write);
    view.add(row, piece, isEnd);
  };
  const start = performance.now();
  try {
    await fill(texts, loaded, ids, { ...settings, signal: interruption.signal }, show);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ABORTED') throw error;
    texts.forEach((text, row) => {
      if (text.finishReason === 'interrupted') show(row, text.end(), true);
    });
  } finally {
    interruption.stop();
  }
  const seconds = (performance.now() - start) / 1000;
  const tokens = texts.reduce((sum, text) => sum + text.tokens.length, 0);
  if (json) {
    prompts.forEach((prompt, i) => {
      const own = texts.slice(i * count, (i + 1) * count);
      print(JSON.stringify({ prompt, ...(seed !== undefined && { seed }), texts: own }));
    });
  }
  if (texts.some(({ finishReason }) => finishReason === 'interrupted')) {
    throw new CliError('INTERRUPTED', `Stopped after ${counted(tokens)}.`);
  }
  if (quiet) return;
  const speed = `${counted(tokens)} in ${seconds.toFixed(1)} s, ${(tokens / seconds).toFixed(1)} a second`;
  process.stderr.write(pc.dim(`${speed}${seed === undefined ? '' : `, seed ${seed}`}\n`));
}

/** Token by token as they come; a search with beams gives its texts at its end. */
async function fill(
  texts: Continuation[],
  { model }: LoadedCausalModel,
  ids: readonly Int32Array[],
  settings: GenerateOptions,
  show: (row: number, piece: string, isEnd: boolean) => void,
): Promise<void> {
  const inputs = { inputIds: ids };
  if ((settings.numBeams ?? settings.generationConfig?.numBeams ?? 1) === 1) {
    for await (const { row, token, logProbability, finishReason } of stream(
      model,
      inputs,
      settings,
    )) {
      const piece = texts[row]!.add(token, logProbability, finishReason);
      show(row, piece, finishReason !== undefined);
    }
    return;
  }
  const output = await generate(model, inputs, settings);
  output.generated.forEach((tokens, row) => {
    const text = texts[row]!;
    text.score = output.sequencesScores?.[row];
    tokens.forEach((token, i) => {
      const reason = i === tokens.length - 1 ? output.finishReasons[row] : undefined;
      const piece = text.add(token, output.logProbabilities?.[row]?.[i], reason);
      show(row, piece, reason !== undefined);
    });
  });
}

const counted = (tokens: number) => `${tokens} token${tokens === 1 ? '' : 's'}`;

/** What is wrong, in the words of the command line. */
function forPeople(error: unknown, { model }: GenerateCommandOptions, command: Command): unknown {
  const { name, code, message } = error as Error & { code?: string };
  if (name !== 'GenerationError') return error;
  if (code === 'EMPTY_PROMPT') {
    const text = `${model} has no token that starts a text: give a prompt that is not empty.`;
    return new CliError('BAD_INPUT', text, { cause: error });
  }
  const isUsage = code === 'BAD_OPTION' || code === 'CONTRADICTION';
  const text = asTyped(message, command);
  return new CliError(isUsage ? 'USAGE' : 'BAD_INPUT', text, { cause: error });
}
