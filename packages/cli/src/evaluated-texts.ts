import { type CausalEvaluation, evaluateCausalLM } from '@multihead/training';
import { documentsOf } from './causal-documents.js';
import { loadCausalModel } from './causal-model.js';
import type { CausalModelOptions } from './causal-model-options.js';
import { CliError } from './errors.js';
import { interruptible } from './interruption.js';
import { modelOf } from './load-tokenizer.js';
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
    const { unkTokenId } = modelOf(tokenizer);
    let [bytes, characters, unknownTokens] = [0, 0, 0];
    const encode = (text: string) => {
      bytes += Buffer.byteLength(text);
      for (const _ of text) characters++;
      const ids = tokenizer.encodeIds(text);
      unknownTokens += ids.filter((id) => id === unkTokenId).length;
      return ids;
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
    const { bitsPerByte = 0 } = evaluation;
    const bitsPerCharacter = (bitsPerByte * bytes) / characters;
    const counts = { bytes, characters, unknownTokens, documents: documents.length };
    printMeasured({ ...evaluation, bitsPerByte, bitsPerCharacter, ...counts }, json);
  } finally {
    progress.stop();
    model.dispose();
  }
}

interface Measured extends Required<CausalEvaluation> {
  bitsPerCharacter: number;
  bytes: number;
  characters: number;
  /** Whose text a model of words is not asked for. */
  unknownTokens: number;
  documents: number;
}

function printMeasured(measured: Measured, json: boolean | undefined): void {
  if (json) {
    print(JSON.stringify(measured));
    return;
  }
  const { loss, perplexity, bitsPerByte, bitsPerCharacter } = measured;
  const { tokens, bytes, unknownTokens, documents } = measured;
  const count = (value: number, what: string) =>
    `${value.toLocaleString('en')} ${what}${value === 1 ? '' : 's'}`;
  const unknown =
    unknownTokens === 0 ? '' : `; ${count(unknownTokens, 'unknown token')}, spelling not counted`;
  print(
    `perplexity ${perplexity.toFixed(3)}, ${bitsPerByte.toFixed(4)} bits per byte, ` +
      `${bitsPerCharacter.toFixed(4)} per character, loss ${loss.toFixed(4)} ` +
      `(${count(tokens, 'token')} and ${count(bytes, 'byte')} of ${count(documents, 'document')}${unknown})`,
  );
}
