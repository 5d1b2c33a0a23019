import { GPT2Config, GPT2LMHeadModel } from '@multihead/gpt';
import { Weights } from '@multihead/nn';
import type { Tokenizer } from '@multihead/tokenizers';
import { causalBlocks, causalLMCollator } from '@multihead/training';
import { useWasm } from '@multihead/wasm';
import { documentsOf } from './causal-documents.js';
import { CliError } from './errors.js';
import { filesBeside } from './files-beside.js';
import { loadTokenizer } from './load-tokenizer.js';
import { checkFits, checkPositions, type ModelOptions, sizesOf } from './model-options.js';
import { pretrain } from './pretraining.js';
import { Progress } from './progress.js';
import { readTrainingData } from './training-data.js';
import { stepsOf, type TrainingOptions } from './training-options.js';

export interface PretrainGptOptions extends TrainingOptions, ModelOptions {
  /** A blank line ends a document. */
  paragraphs?: boolean;
}

/** Trains on the files, and says what came of it. */
export async function trainGpt(files: string[], options: PretrainGptOptions): Promise<void> {
  const { maxLength, quiet, paragraphs = false } = options;
  checkPositions(options);
  const stepsFor = stepsOf(options);
  const tokenizer = await loadTokenizer(options.tokenizer);
  if (tokenizer.encodeIds('').length > 0) {
    throw new CliError(
      'BAD_INPUT',
      `${options.tokenizer} puts special tokens around a text, so that a GPT could not go on with one; ` +
        'take one of train-tokenizer --type bpe.',
    );
  }
  const { eosTokenId } = tokenizer;
  const recipe = {
    documents: (paths: readonly string[]) => documentsOf(paths, paragraphs),
    encode: (text: string) => tokenizer.encodeIds(text),
    pack: (some: Int32Array[]) => causalBlocks(some, { blockLength: maxLength, eosTokenId }),
  };
  const data = await readTrainingData(files, recipe, options, new Progress('reading', { quiet }));
  if (data.train.length === 0) {
    throw new CliError(
      'BAD_INPUT',
      `The text has ${data.tokens} tokens, which fill no row of --max-length ${maxLength}.`,
    );
  }
  const beside = await filesBeside(tokenizer, options.from);
  await useWasm();
  const model = await startModel(options, tokenizer);
  await pretrain({
    model,
    name: 'GPT-2',
    data,
    collate: causalLMCollator(),
    causal: true,
    stepsFor,
    options,
    files: beside,
  });
}

/** A fresh model, or the one to go on from. */
async function startModel(
  options: PretrainGptOptions,
  tokenizer: Tokenizer,
): Promise<GPT2LMHeadModel> {
  const { from, seed } = options;
  if (from === undefined) {
    return new GPT2LMHeadModel(configOf(options, tokenizer), new Weights({ seed }));
  }
  const model = await GPT2LMHeadModel.fromPretrained(from);
  try {
    const { vocabSize, contextLength: positions } = model;
    checkFits(options, { vocabSize, positions }, tokenizer.vocabSize);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function configOf(options: PretrainGptOptions, tokenizer: Tokenizer): GPT2Config {
  const { hidden, layers, heads, intermediate, dropout, positions, initializerRange } =
    sizesOf(options);
  const { vocabSize, bosTokenId, eosTokenId, padTokenId } = tokenizer;
  return new GPT2Config({
    vocabSize,
    nPositions: positions,
    nEmbd: hidden,
    nLayer: layers,
    nHead: heads,
    nInner: intermediate,
    residPdrop: dropout,
    embdPdrop: dropout,
    attnPdrop: dropout,
    initializerRange,
    bosTokenId: bosTokenId ?? null,
    eosTokenId: eosTokenId ?? null,
    padTokenId: padTokenId ?? null,
  });
}
