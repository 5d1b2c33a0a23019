import { ModelError } from './errors.js';

/** The names of a classifier's classes by number, and the numbers by name, as `config.json` has them. */
export interface ClassLabels {
  id2label: Readonly<Record<string, string>>;
  label2id: Readonly<Record<string, number>>;
}

/**
 * Both tables from what is given: names, a number of classes (`LABEL_0`, …), or nothing, which means two
 * classes.
 *
 * @throws ModelError `BAD_CONFIG` where they contradict each other, or the classes are not 0, 1, 2, …
 */
export function classLabels({
  numLabels,
  id2label,
  label2id,
}: Partial<ClassLabels> & { numLabels?: number | undefined } = {}): ClassLabels {
  const count = Object.keys(id2label ?? {}).length;
  if (numLabels !== undefined && !(Number.isSafeInteger(numLabels) && numLabels > 0)) {
    throw bad(`numLabels must be a positive whole number, not ${numLabels}.`);
  }
  if (id2label !== undefined && numLabels !== undefined && numLabels !== count) {
    throw bad(`numLabels is ${numLabels}, but id2label has ${count}.`);
  }
  const names = id2label ?? numbered(numLabels ?? 2);
  if (Object.keys(names).some((key, i) => key !== `${i}`) || Object.keys(names).length === 0) {
    throw bad(`id2label must name the classes 0, 1, 2, …, not ${Object.keys(names)}.`);
  }
  const inverse = Object.entries(names).map(([id, name]) => [name, Number(id)]);
  return { id2label: names, label2id: label2id ?? Object.fromEntries(inverse) };
}

const bad = (message: string) => new ModelError('BAD_CONFIG', message);

const numbered = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, `LABEL_${i}`]));
