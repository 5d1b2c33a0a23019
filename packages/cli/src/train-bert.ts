import { BertConfig, BertForMaskedLM } from '@multihead/bert';
import { Weights } from '@multihead/nn';
import { BertTokenizer } from '@multihead/tokenizers';
import { type MaskedLMBatch, type MaskedLMExample, mlmCollator } from '@multihead/training';
import { useWasm } from '@multihead/wasm';
import { CliError } from './errors.js';
import { loadBertTokenizer } from './load-tokenizer.js';
import { readMaskedLMData } from './masked-lm-data.js';
import { print } from './output.js';
import { formatDuration, Progress } from './progress.js';
import { stepsOf, type TrainingOptions } from './training-options.js';
import { formatEvaluation, runTraining } from './training-run.js';

export interface PretrainBertOptions extends TrainingOptions {
  tokenizer: string;
  from?: string;
  layers: number;
  hidden: number;
  heads?: number;
  intermediate?: number;
  maxLength: number;
  positions?: number;
  dropout: number;
  initializerRange: number;
  mlmProbability: number;
  wholeWord?: boolean;
}

/** Trains on the files, and says what came of it. */
export async function trainBert(files: string[], options: PretrainBertOptions): Promise<void> {
  const { out, maxLength, dtype, quiet, json } = options;
  const { positions = maxLength } = options;
  if (positions < maxLength) {
    throw new CliError(
      'USAGE',
      `--positions ${positions} are fewer than --max-length ${maxLength}.`,
    );
  }
  const stepsFor = stepsOf(options);
  const loaded = await loadBertTokenizer(options.tokenizer);
  const tokenizer = await BertTokenizer.fromPretrained(loaded.toFiles(), {
    modelMaxLength: maxLength,
  });

  const reading = new Progress('reading', { quiet });
  const data = await readMaskedLMData(files, tokenizer, options, reading).finally(() =>
    reading.stop(),
  );
  const collate = mlmCollator({
    tokenizer,
    maxLength,
    mlmProbability: options.mlmProbability,
    wholeWordMask: options.wholeWord ?? false,
  });

  await useWasm();
  const model = await startModel(options, tokenizer);
  const { maxPositionEmbeddings: modelMaxLength } = model.config;
  const ours = await BertTokenizer.fromPretrained(loaded.toFiles(), { modelMaxLength });
  const tokenizerFiles = ours.toFiles();
  try {
    const parameters = [...model.parameters.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    const steps = stepsFor(data.train.length);
    if (!quiet) {
      const count = (value: number) => value.toLocaleString('en');
      process.stderr.write(
        `${count(parameters)} parameters, ${count(data.tokens)} tokens in ${count(data.train.length)} rows ` +
          `of ${maxLength}, ${count(data.heldOut.length)} rows held out, ${count(steps)} steps\n`,
      );
    }
    const summary = await runTraining<MaskedLMExample, MaskedLMBatch>({
      model,
      dataset: data.train,
      heldOut: data.heldOut,
      collate,
      steps,
      options,
      files: tokenizerFiles,
    });
    await model.save(out, { dtype, files: tokenizerFiles });

    const { epoch, seconds, resumedFrom, evaluation } = summary;
    if (json) {
      print(JSON.stringify({ out, parameters, steps, epoch, seconds, resumedFrom, evaluation }));
      return;
    }
    const measured = evaluation === undefined ? '' : `, ${formatEvaluation(evaluation)}`;
    print(
      `${out}: a BERT of ${parameters.toLocaleString('en')} parameters after ${steps} steps ` +
        `(${epoch.toFixed(2)} epochs, ${formatDuration(seconds)})${measured}`,
    );
  } finally {
    model.dispose();
  }
}

/** A fresh model, or the one to go on from. */
async function startModel(
  options: PretrainBertOptions,
  tokenizer: BertTokenizer,
): Promise<BertForMaskedLM> {
  const { from, maxLength, seed } = options;
  if (from === undefined) {
    return new BertForMaskedLM(configOf(options, tokenizer), new Weights({ seed }));
  }
  const model = await BertForMaskedLM.fromPretrained(from);
  const { maxPositionEmbeddings, vocabSize } = model.config;
  if (vocabSize === tokenizer.vocabSize && maxLength <= maxPositionEmbeddings) return model;
  model.dispose();
  throw new CliError(
    'USAGE',
    `${from} takes ${maxPositionEmbeddings} tokens of a vocabulary of ${vocabSize}; ` +
      `--max-length is ${maxLength}, and the tokenizer has ${tokenizer.vocabSize}.`,
  );
}

function configOf(options: PretrainBertOptions, tokenizer: BertTokenizer): BertConfig {
  const { hidden, layers, dropout, maxLength, positions = maxLength, initializerRange } = options;
  const { heads = Math.max(1, Math.round(hidden / 64)), intermediate = 4 * hidden } = options;
  if (hidden % heads !== 0) {
    throw new CliError('USAGE', `--hidden ${hidden} is no multiple of --heads ${heads}.`);
  }
  return new BertConfig({
    vocabSize: tokenizer.vocabSize,
    hiddenSize: hidden,
    numHiddenLayers: layers,
    numAttentionHeads: heads,
    intermediateSize: intermediate,
    hiddenDropoutProb: dropout,
    attentionProbsDropoutProb: dropout,
    maxPositionEmbeddings: positions,
    initializerRange,
    padTokenId: tokenizer.padTokenId ?? null,
  });
}
