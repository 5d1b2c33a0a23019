import { Random } from '@multihead/nn';
import { tokenizerFiles } from '@multihead/tokenizers';
import {
  type ClassificationExample,
  classificationCollator,
  evaluateClassifier,
  type Metrics,
} from '@multihead/training';
import { useWasm } from '@multihead/wasm';
import { type ClassifierSource, loadClassifier, openClassifier } from './classifier-model.js';
import { CliError } from './errors.js';
import { type ColumnOptions, type LabelledText, readLabelledTexts } from './labelled-texts.js';
import {
  type Baseline,
  baselineOf,
  canBeNamed,
  classLabels,
  type Labels,
  numberLabels,
} from './labels.js';
import { print } from './output.js';
import { countParameters } from './pretraining.js';
import { formatDuration, Progress } from './progress.js';
import { nameOfInput } from './text.js';
import { stepsOf, type TrainingOptions } from './training-options.js';
import { formatEvaluation, runTraining } from './training-run.js';

export interface FinetuneOptions extends TrainingOptions, ColumnOptions {
  model: string;
  tokenizer?: string;
  task: 'classification' | 'regression';
  labelNames?: string[];
  maxLength?: number;
  dropout?: number;
}

/** A text as the model takes it. */
interface Example extends ClassificationExample {
  label: number;
  /** More than the model was given. */
  isCut: boolean;
}

/** Teaches the model what the files say of texts, saves it, and says what came of it. */
export async function trainClassifier(files: string[], options: FinetuneOptions): Promise<void> {
  const { out, quiet, json, dtype, batchSize, gradAccumulation, evalBatches, seed } = options;
  const stepsFor = stepsOf(options.steps === undefined ? { epochs: 3, ...options } : options);
  const source = await openClassifier(options.model, options.tokenizer);
  const { labels, keepHead, train, heldOut } = await readExamples(files, source, options);

  await useWasm();
  const model = await loadClassifier(source, { labels, keepHead, dropout: options.dropout, seed });
  try {
    const values = (examples: readonly Example[]) => examples.map(({ label }) => label);
    const baseline = baselineOf(labels, values(train), values(heldOut));
    const parameters = countParameters(model);
    const steps = stepsFor(train);
    if (!quiet) process.stderr.write(`${describe(parameters, train, heldOut, labels, steps)}\n`);
    const collate = classificationCollator({ padTokenId: source.padTokenId });
    const summary = await runTraining({
      model,
      dataset: train,
      heldOut,
      collate,
      steps,
      every: Math.min(steps, Math.ceil(train.length / (batchSize * gradAccumulation))),
      measure: (signal) => {
        const measured = {
          model,
          dataset: heldOut,
          collate,
          batchSize,
          batches: evalBatches,
          signal,
        };
        return evaluateClassifier(measured);
      },
      options,
      files: tokenizerFiles(source.tokenizer),
    });
    await model.save(out, { dtype, files: tokenizerFiles(source.tokenizer) });

    const { epoch, seconds, resumedFrom, evaluation } = summary;
    if (json) {
      const { names } = labels;
      const all = { out, parameters, steps, epoch, seconds, resumedFrom, evaluation, baseline };
      print(
        JSON.stringify({ ...all, ...(options.task === 'classification' && { labels: names }) }),
      );
      return;
    }
    const kind = options.task === 'regression' ? 'a number' : `${labels.names.length} classes`;
    print(
      `${out}: a ${source.family.name} for ${kind} after ${steps} steps (${epoch.toFixed(2)} epochs, ` +
        `${formatDuration(seconds)})${measured(evaluation, baseline)}`,
    );
  } finally {
    model.dispose();
  }
}

/** The texts to learn from and those to measure on, as the model takes them, and what their labels mean. */
async function readExamples(files: string[], source: ClassifierSource, options: FinetuneOptions) {
  const { evalFiles = [], evalFraction, seed, task, quiet } = options;
  const { maxLength = Math.min(128, source.positions) } = options;
  if (maxLength > source.positions) {
    throw new CliError(
      'USAGE',
      `--max-length ${maxLength} is more than the ${source.positions} tokens that ${options.model} takes.`,
    );
  }
  const progress = new Progress('reading', { quiet });
  try {
    const texts = await readLabelledTexts(files, options, progress);
    const heldOut = await readLabelledTexts(evalFiles, options, progress);
    if (evalFraction > 0) heldOut.push(...takeOut(texts, evalFraction, seed));
    if (texts.length === 0) {
      throw new CliError('BAD_INPUT', `There is no text in ${files.map(nameOfInput).join(', ')}.`);
    }
    const { labels, keepHead } = labelling(texts, source, options);
    const encode = (text: LabelledText) => encoded(text, labels, source, maxLength);
    return { labels, keepHead, train: texts.map(encode), heldOut: heldOut.map(encode) };
  } finally {
    progress.stop();
  }

  function labelling(
    texts: readonly LabelledText[],
    { classes }: ClassifierSource,
    given: FinetuneOptions,
  ) {
    if (task === 'regression') {
      if (given.labelNames === undefined)
        return { labels: numberLabels(), keepHead: classes?.length === 1 };
      throw new CliError('USAGE', '--label-names are for --task classification.');
    }
    // A classifier that knows these classes goes on with them.
    const known = classes !== undefined && classes.length > 1 && canBeNamed(texts, classes);
    const labels = classLabels(texts, given.labelNames ?? (known ? classes : undefined));
    return { labels, keepHead: labels.names.join('\n') === classes?.join('\n') };
  }
}

/** Takes texts out at random, this share of them and at least one. */
function takeOut(texts: LabelledText[], fraction: number, seed: number): LabelledText[] {
  if (texts.length < 2)
    throw new CliError('USAGE', '--eval-fraction holds out texts, and there is only one.');
  const shuffled = new Random(seed, 'held-out').shuffle(texts.map((_, i) => i));
  const count = Math.min(Math.max(1, Math.round(fraction * texts.length)), texts.length - 1);
  const chosen = new Set(shuffled.slice(0, count));
  const heldOut = texts.filter((_, i) => chosen.has(i));
  texts.splice(0, texts.length, ...texts.filter((_, i) => !chosen.has(i)));
  return heldOut;
}

function encoded(
  text: LabelledText,
  labels: Labels,
  { tokenizer, folder }: ClassifierSource,
  maxLength: number,
): Example {
  const { pair, place } = text;
  const encoding = tokenizer.encode(text.text, {
    ...(pair !== undefined && { pair }),
    ...{ truncation: true, maxLength, padding: false, returnOverflowing: true },
  });
  if (encoding.length === 0) throw new CliError('BAD_INPUT', `${place}: the text is empty.`);
  return {
    inputIds: Int32Array.from(encoding.inputIds),
    // To a GPT a pair is one text; a BERT tells its halves apart.
    ...(pair !== undefined &&
      folder.config.model_type === 'bert' && {
        tokenTypeIds: Int32Array.from(encoding.tokenTypeIds),
      }),
    label: labels.valueOf(text),
    isCut: encoding.overflowing.length > 0,
  };
}

function describe(
  parameters: number,
  train: readonly Example[],
  heldOut: readonly Example[],
  { problem, names }: Labels,
  steps: number,
): string {
  const count = (value: number, what: string) =>
    `${value.toLocaleString('en')} ${what}${value === 1 ? '' : 's'}`;
  const cut = [...train, ...heldOut].filter(({ isCut }) => isCut).length;
  const share = (id: number) => train.filter(({ label }) => label === id).length / train.length;
  const classes = names.slice(0, 10).map((name, id) => `${name} ${(100 * share(id)).toFixed(1)} %`);
  return [
    count(parameters, 'parameter'),
    `${count(train.length, 'text')} to learn from`,
    `${count(heldOut.length, 'text')} held out`,
    ...(cut > 0 ? [`${count(cut, 'text')} cut to --max-length`] : []),
    ...(problem === 'regression'
      ? []
      : [
          `classes ${classes.join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`,
        ]),
    count(steps, 'step'),
  ].join('; ');
}

function measured(evaluation: Metrics | undefined, baseline: Baseline | undefined): string {
  if (evaluation === undefined || baseline === undefined) return '';
  const { answer, accuracy, loss } = baseline;
  const alone =
    accuracy === undefined ? `loss ${loss!.toFixed(3)}` : `${(100 * accuracy).toFixed(1)} %`;
  return `, ${formatEvaluation(evaluation)} (always ${answer}: ${alone})`;
}
