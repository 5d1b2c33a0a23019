import { CliError } from './errors.js';
import type { LabelledText } from './labelled-texts.js';

/** What a model learns to say of texts. */
export interface Labels {
  problem: 'regression' | 'single_label_classification';
  /** The classes by number; for regression the one thing that is measured. */
  names: string[];
  /** The number of the text's class, or the number itself. @throws CliError `BAD_INPUT` */
  valueOf(text: LabelledText): number;
}

/** What knowing nothing of the texts is worth: always the most frequent class, or the mean. */
export interface Baseline {
  /** Always this class, or this number. */
  answer: string;
  /** The share of the held-out texts it is right for. */
  accuracy?: number;
  /** The mean squared error, for regression. */
  loss?: number;
}

/** Labels that are numbers to come close to. */
export function numberLabels(): Labels {
  return {
    problem: 'regression',
    names: ['LABEL_0'],
    valueOf: ({ label, place }) => {
      const value = Number(label);
      if (Number.isFinite(value)) return value;
      throw new CliError('BAD_INPUT', `${place}: the label ${JSON.stringify(label)} is no number.`);
    },
  };
}

/**
 * Labels that are classes: with `names` by name or by number, without by the names that the texts to learn
 * from have, numbers in their order and words in that of the alphabet.
 *
 * @throws CliError `BAD_INPUT` for less than two classes
 */
export function classLabels(texts: readonly LabelledText[], names?: readonly string[]): Labels {
  const found = names ?? namesOf(texts);
  if (found.length < 2) {
    throw new CliError(
      'BAD_INPUT',
      `All labels are ${JSON.stringify(found[0])}: there is nothing to tell apart.`,
    );
  }
  const ids = new Map(found.map((name, id) => [name, id]));
  if (ids.size < found.length)
    throw new CliError('USAGE', `Two classes have one name: ${found.join(', ')}.`);
  return {
    problem: 'single_label_classification',
    names: [...found],
    valueOf: ({ label, place }) => {
      const id =
        ids.get(label) ?? (names && isIndex(label, found.length) ? Number(label) : undefined);
      if (id !== undefined) return id;
      throw new CliError(
        'BAD_INPUT',
        `${place}: the label ${JSON.stringify(label)} is none of ${found.join(', ')}.`,
      );
    },
  };
}

/** Whether every label is one of these names, or a number of one. */
export const canBeNamed = (texts: readonly LabelledText[], names: readonly string[]): boolean =>
  texts.every(({ label }) => names.includes(label) || isIndex(label, names.length));

const isIndex = (label: string, count: number) => /^\d+$/.test(label) && Number(label) < count;

function namesOf(texts: readonly LabelledText[]): string[] {
  const names = [...new Set(texts.map(({ label }) => label))];
  const areNumbers = names.every((name) => /^[-+]?\d+$/.test(name));
  // Most texts are of a class that others have too; numbers with a fraction hardly ever are.
  if (names.length > 2 && names.length > texts.length / 2) {
    throw new CliError(
      'BAD_INPUT',
      `There are ${names.length} different labels in ${texts.length} texts: is it --task regression, or another --label?`,
    );
  }
  return areNumbers ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}

/** The baseline's figures on `heldOut`, learned from `train`; both are values of labels. */
export function baselineOf(
  { problem, names }: Labels,
  train: readonly number[],
  heldOut: readonly number[],
): Baseline | undefined {
  if (heldOut.length === 0) return undefined;
  const share = (of: (value: number) => number) =>
    heldOut.reduce((sum, value) => sum + of(value), 0) / heldOut.length;
  if (problem === 'regression') {
    const mean = train.reduce((a, b) => a + b, 0) / train.length;
    return { answer: mean.toFixed(3), loss: share((value) => (value - mean) ** 2) };
  }
  const counts = names.map(() => 0);
  for (const id of train) counts[id]!++;
  const most = counts.indexOf(Math.max(...counts));
  return { answer: names[most]!, accuracy: share((id) => (id === most ? 1 : 0)) };
}
