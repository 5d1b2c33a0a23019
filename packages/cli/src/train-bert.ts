import { BertConfig, BertForMaskedLM } from '@multihead/bert';
import { Weights } from '@multihead/nn';
import { BertTokenizer, tokenizerFiles } from '@multihead/tokenizers';
import { mlmCollator, packDocuments } from '@multihead/training';
import { useWasm } from '@multihead/wasm';
import { loadBertTokenizer } from './load-tokenizer.js';
import { checkFits, checkPositions, type ModelOptions, sizesOf } from './model-options.js';
import { pretrain } from './pretraining.js';
import { Progress } from './progress.js';
import { readDocuments } from './text.js';
import { readTrainingData } from './training-data.js';
import { stepsOf, type TrainingOptions } from './training-options.js';

export interface PretrainBertOptions extends TrainingOptions, ModelOptions {
  mlmProbability: number;
  wholeWord?: boolean;
}

/** Trains on the files, and says what came of it. */
export async function trainBert(files: string[], options: PretrainBertOptions): Promise<void> {
  const { maxLength, quiet } = options;
  checkPositions(options);
  const stepsFor = stepsOf(options);
  const loaded = await loadBertTokenizer(options.tokenizer);
  const tokenizer = await BertTokenizer.fromPretrained(tokenizerFiles(loaded), {
    modelMaxLength: maxLength,
  });
  const { clsTokenId, sepTokenId } = tokenizer;
  const recipe = {
    documents: readDocuments,
    encode: (line: string) => tokenizer.encodeIds(line, { addSpecialTokens: false }),
    pack: (some: Int32Array[]) => packDocuments(some, { maxLength, clsTokenId, sepTokenId }),
  };
  const data = await readTrainingData(files, recipe, options, new Progress('reading', { quiet }));
  const collate = mlmCollator({
    tokenizer,
    maxLength,
    mlmProbability: options.mlmProbability,
    wholeWordMask: options.wholeWord ?? false,
  });

  await useWasm();
  const model = await startModel(options, tokenizer);
  const { maxPositionEmbeddings: modelMaxLength } = model.config;
  const ours = await BertTokenizer.fromPretrained(tokenizerFiles(loaded), { modelMaxLength });
  await pretrain({
    model,
    name: 'BERT',
    data,
    collate,
    stepsFor,
    options,
    files: tokenizerFiles(ours),
  });
}

/** A fresh model, or the one to go on from. */
async function startModel(
  options: PretrainBertOptions,
  tokenizer: BertTokenizer,
): Promise<BertForMaskedLM> {
  const { from, seed } = options;
  if (from === undefined) {
    return new BertForMaskedLM(configOf(options, tokenizer), new Weights({ seed }));
  }
  const model = await BertForMaskedLM.fromPretrained(from);
  try {
    const { maxPositionEmbeddings: positions, vocabSize } = model.config;
    checkFits(options, { vocabSize, positions }, tokenizer.vocabSize);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function configOf(options: PretrainBertOptions, tokenizer: BertTokenizer): BertConfig {
  const { hidden, layers, heads, intermediate, dropout, positions, initializerRange } =
    sizesOf(options);
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
