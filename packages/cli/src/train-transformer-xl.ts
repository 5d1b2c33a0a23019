import { Weights } from '@multihead/nn';
import type { Tokenizer } from '@multihead/tokenizers';
import { evaluateStreams, type Metrics, ParallelStreams, trainStreams } from '@multihead/training';
import {
  type AttentionType,
  TransfoXLConfig,
  TransfoXLLMHeadModel,
} from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import { documentsOf } from './causal-documents.js';
import { CliError } from './errors.js';
import { filesBeside } from './files-beside.js';
import { loadTokenizer, modelOf } from './load-tokenizer.js';
import { countParameters, printTrained } from './pretraining.js';
import { Progress } from './progress.js';
import { readTrainingData } from './training-data.js';
import { stepsOf, type TrainingOptions } from './training-options.js';
import { shownRun } from './training-run.js';

export interface PretrainTransformerXLOptions extends TrainingOptions {
  tokenizer: string;
  from?: string;
  layers: number;
  hidden: number;
  embeddingSize?: number;
  heads?: number;
  headSize?: number;
  intermediate?: number;
  segmentLength: number;
  memoryLength: number;
  extendedLength: number;
  clampLength: number;
  sameLength?: boolean;
  variableLength?: boolean;
  attention: 'relative' | 'learnt' | 'absolute' | 'absolute-learnt';
  preNorm?: boolean;
  tiedBiases?: boolean;
  untiedWords?: boolean;
  cutoffs?: string;
  sampledSoftmax: number;
  divVal: number;
  dropout: number;
  attentionDropout: number;
  initializer: 'normal' | 'uniform';
  initializerRange: number;
  projectionRange: number;
  evalSegmentLength?: number;
  evalMemoryLength?: number;
  /** A blank line ends a document. */
  paragraphs?: boolean;
}

/** Trains on the files, and says what came of it. */
export async function trainTransformerXL(
  files: string[],
  options: PretrainTransformerXLOptions,
): Promise<void> {
  const { out, quiet, seed, dtype, paragraphs = false } = options;
  const stepsFor = stepsOf(options, 1); // a segment of all streams
  const tokenizer = await loadTokenizer(options.tokenizer);
  if (tokenizer.encodeIds('').length > 0) {
    throw new CliError(
      'BAD_INPUT',
      `${options.tokenizer} puts special tokens around a text, so that a model could not go on with one; ` +
        'take one of train-tokenizer --type bpe or word-level.',
    );
  }
  const config = options.from === undefined ? configOf(options, tokenizer) : undefined;
  const recipe = {
    documents: (paths: readonly string[]) => documentsOf(paths, paragraphs),
    encode: (text: string) => tokenizer.encodeIds(text),
    pack: (documents: Int32Array[]) => endToEnd(documents, tokenizer.eosTokenId),
  };
  const data = await readTrainingData(files, recipe, options, new Progress('reading', { quiet }));
  const [text = new Int32Array(0)] = data.train;
  const [heldOut] = data.heldOut;
  await useWasm();
  using model = config
    ? new TransfoXLLMHeadModel(config, new Weights({ seed }))
    : await modelToGoOnFrom(options.from!, tokenizer);
  const streams = streamsOf(text, options, model.config.extLen);
  const steps = stepsFor(streams);
  const parameters = countParameters(model);
  if (!quiet) {
    const count = (value: number) => value.toLocaleString('en');
    process.stderr.write(
      `${count(parameters)} parameters, ${count(text.length)} tokens in ${streams.batchSize} streams of ` +
        `${count(streams.length)} segments, ${count(heldOut?.length ?? 0)} tokens held out, ${count(steps)} steps\n`,
    );
  }
  const written = await filesBeside(tokenizer, options.from);
  const run = {
    options,
    steps,
    files: written,
    measure: heldOut && measurement({ model, ids: heldOut, tokenizer }, options),
  };
  const { gradAccumulation: gradientAccumulationSteps } = options;
  const summary = await shownRun(run, (given) =>
    trainStreams({ ...given, model, streams, gradientAccumulationSteps }),
  );
  await model.save(out, { dtype, files: written });
  printTrained(options, { name: 'Transformer-XL', parameters, steps }, summary);
}

/** One text of all documents, an end-of-text token after each; none of none. */
function endToEnd(documents: Int32Array[], eosTokenId: number | undefined): Int32Array[] {
  if (documents.length === 0) return [];
  const ends = eosTokenId === undefined ? 0 : documents.length;
  const all = new Int32Array(documents.reduce((sum, { length }) => sum + length, ends));
  let at = 0;
  for (const document of documents) {
    all.set(document, at);
    at += document.length;
    if (eosTokenId !== undefined) all[at++] = eosTokenId;
  }
  return [all];
}

/** As many in a pass as `--batch-size` says, and in a step those of all its passes. */
function streamsOf(
  text: Int32Array,
  options: PretrainTransformerXLOptions,
  extLen: number,
): ParallelStreams {
  const { segmentLength, variableLength = false, seed } = options;
  const batchSize = options.batchSize * options.gradAccumulation;
  if (text.length < 2 * batchSize) {
    throw new CliError(
      'BAD_INPUT',
      `The text has ${text.length} tokens, too few for ${batchSize} streams; take a smaller --batch-size.`,
    );
  }
  return new ParallelStreams(text, {
    batchSize,
    segmentLength,
    extLen,
    variableLength,
    seed,
  });
}

/** @throws CliError `USAGE` for a model of another vocabulary */
async function modelToGoOnFrom(from: string, tokenizer: Tokenizer): Promise<TransfoXLLMHeadModel> {
  const model = await TransfoXLLMHeadModel.fromPretrained(from);
  const { vocabSize } = model;
  if (vocabSize === tokenizer.vocabSize) return model;
  model.dispose();
  throw new CliError(
    'USAGE',
    `${from} has a vocabulary of ${vocabSize}, the tokenizer one of ${tokenizer.vocabSize}.`,
  );
}

/** On as many streams as are trained on, if the text has them. */
function measurement(
  { model, ids, tokenizer }: { model: TransfoXLLMHeadModel; ids: Int32Array; tokenizer: Tokenizer },
  options: PretrainTransformerXLOptions,
): (signal: AbortSignal | undefined) => Promise<Metrics> {
  const { segmentLength, evalSegmentLength = segmentLength, evalMemoryLength } = options;
  // A vocabulary that lacks words does not keep how they are spelt. The end of a document counts as a character.
  const isSpelt = modelOf(tokenizer).unkTokenId === undefined;
  const spelt = isSpelt ? [...tokenizer.decode(ids, { skipSpecialTokens: true })].length : 0;
  const characters = spelt + ids.filter((id) => id === tokenizer.eosTokenId).length;
  return async (signal) => {
    const { bitsPerCharacter, ...measured } = await evaluateStreams({
      model,
      ids,
      ...(isSpelt && { characters }),
      segmentLength: evalSegmentLength,
      batchSize: Math.max(
        1,
        Math.min(options.batchSize, Math.floor(ids.length / evalSegmentLength)),
      ),
      segments: options.evalBatches,
      memLen: evalMemoryLength,
      ...(evalMemoryLength === 0 && { sameLength: false }),
      signal,
    });
    return { ...measured, ...(isSpelt && { bitsPerCharacter }) };
  };
}

const ATTENTION: Record<PretrainTransformerXLOptions['attention'], AttentionType> = {
  relative: 0,
  learnt: 1,
  absolute: 2,
  'absolute-learnt': 3,
};

function configOf(options: PretrainTransformerXLOptions, tokenizer: Tokenizer): TransfoXLConfig {
  const { hidden, memoryLength, sameLength = false } = options;
  const heads = options.heads ?? Math.max(1, Math.round(hidden / 64));
  if (options.headSize === undefined && hidden % heads !== 0) {
    throw new CliError(
      'USAGE',
      `--hidden ${hidden} is no multiple of --heads ${heads}; give a --head-size.`,
    );
  }
  if (options.sampledSoftmax > 0 && options.cutoffs !== undefined) {
    throw new CliError('USAGE', '--sampled-softmax and --cutoffs exclude each other.');
  }
  if (sameLength && memoryLength === 0) {
    throw new CliError('USAGE', '--same-length needs a --memory-length.');
  }
  const { vocabSize, bosTokenId, eosTokenId, padTokenId } = tokenizer;
  return new TransfoXLConfig({
    vocabSize,
    cutoffs: cutoffsOf(options, vocabSize),
    sampleSoftmax: options.sampledSoftmax > 0 ? options.sampledSoftmax : -1,
    divVal: options.divVal,
    dModel: hidden,
    dEmbed: options.embeddingSize ?? hidden,
    nHead: heads,
    dHead: options.headSize ?? hidden / heads,
    dInner: options.intermediate ?? 4 * hidden,
    nLayer: options.layers,
    tgtLen: options.segmentLength,
    memLen: memoryLength,
    extLen: options.extendedLength,
    clampLen: options.clampLength > 0 ? options.clampLength : -1,
    emptyStart: true,
    sameLength,
    attnType: ATTENTION[options.attention],
    preLnorm: options.preNorm ?? false,
    untieR: !options.tiedBiases,
    dropout: options.dropout,
    dropatt: options.attentionDropout,
    tieWordEmbeddings: !options.untiedWords,
    init: options.initializer,
    [options.initializer === 'normal' ? 'initStd' : 'initRange']: options.initializerRange,
    projInitStd: options.projectionRange,
    bosTokenId: bosTokenId ?? null,
    eosTokenId: eosTokenId ?? null,
    padTokenId: padTokenId ?? null,
  });
}

function cutoffsOf({ cutoffs }: PretrainTransformerXLOptions, vocabSize: number): number[] {
  if (cutoffs === undefined) return [];
  const ids = cutoffs.split(',').map(Number);
  const rises = ids.every((id, i) => Number.isInteger(id) && id > (ids[i - 1] ?? 0));
  if (rises && ids.at(-1)! < vocabSize) return ids;
  throw new CliError(
    'USAGE',
    `--cutoffs ${cutoffs} must be ids that rise, below the vocabulary's ${vocabSize}.`,
  );
}
