import { type CausalEvaluation, evaluateCausalLM } from '@multihead/training';
import { documentsOf } from './causal-documents.js';
import { loadCausalModel } from './causal-model.js';
import type { CausalModelOptions } from './causal-model-options.js';
import { CliError } from './errors.js';
import { interruptible } from './interruption.js';
import { type CommonOptions, given } from './options.js';
import { print } from './output.js';
import { Progress } from './progress.js';
import { tokenizeDocuments } from './training-data.js';

export interface EvaluateCommandOptions extends CausalModelOptions, CommonOptions {
  paragraphs?: boolean;
  window?: number;
  stride?: number;
  batchSize?: number;
}

/** Prints how well the model foretells the files. */
export async function printEvaluation(
  files: string[],
  options: EvaluateCommandOptions,
): Promise<void> {
  const { paragraphs = false, stride, batchSize, quiet, json } = options;
  const { model, tokenizer } = await loadCausalModel(options);
  const progress = new Progress('evaluating', { quiet });
  try {
    const { contextLength = Number.POSITIVE_INFINITY } = model;
    const { window: windowLength = model.contextLength ?? 128 } = options;
    if (model.contextLength === undefined && (stride !== undefined || batchSize !== undefined)) {
      throw new CliError(
        'USAGE',
        'A model with a memory goes through a text once, --window tokens at a time: leave out --stride and --batch-size.',
      );
    }
    if (windowLength > contextLength) {
      throw new CliError(
        'USAGE',
        `--window ${windowLength} is more than the model's context of ${contextLength}.`,
      );
    }
    if (stride !== undefined && stride >= windowLength) {
      throw new CliError(
        'USAGE',
        `--stride ${stride} must be below the window of ${windowLength}.`,
      );
    }
    let bytes = 0;
    const encode = (text: string) => {
      bytes += Buffer.byteLength(text);
      return tokenizer.encodeIds(text);
    };
    const read = {
      documents: (paths: readonly string[]) => documentsOf(paths, paragraphs),
      encode,
    };
    const documents = await tokenizeDocuments(files, read, progress);
    const total = documents.reduce((sum, { length }) => sum + Math.max(0, length - 1), 0);
    if (total === 0) {
      throw new CliError('BAD_INPUT', 'There is nothing to score: no text of two tokens or more.');
    }
    const interruption = interruptible('Stopping …');
    const { signal } = interruption;
    let evaluation: CausalEvaluation;
    try {
      evaluation = await evaluateCausalLM({
        model,
        documents,
        windowLength,
        bytes,
        ...given({ stride, batchSize }),
        onProgress: ({ tokens: done }) => {
          progress.update({ done, total, note: `${done.toLocaleString('en')} tokens` });
        },
        signal,
      });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new CliError('INTERRUPTED', 'Stopped: nothing was measured.', { cause: error });
    } finally {
      interruption.stop();
    }
    progress.stop();
    const { loss, perplexity, bitsPerByte, tokens } = evaluation;
    if (json) {
      print(
        JSON.stringify({
          loss,
          perplexity,
          bitsPerByte,
          tokens,
          bytes,
          documents: documents.length,
        }),
      );
      return;
    }
    const count = (value: number, what: string) =>
      `${value.toLocaleString('en')} ${what}${value === 1 ? '' : 's'}`;
    print(
      `perplexity ${perplexity.toFixed(3)}, ${bitsPerByte!.toFixed(4)} bits per byte, loss ${loss.toFixed(4)} ` +
        `(${count(tokens, 'token')} and ${count(bytes, 'byte')} of ${count(documents.length, 'document')})`,
    );
  } finally {
    progress.stop();
    model.dispose();
  }
}
