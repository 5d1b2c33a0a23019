/** What an evaluation measured: what `evaluate` returns, or other numbers by name. */
export type Metrics = Readonly<Record<string, number | undefined>>;

/** One line of a run's log: a mean over the steps since the last, or an evaluation (`eval…`). */
export interface LogEntry {
  step: number;
  epoch: number;
  /** Mean over the steps since the last entry. */
  loss?: number;
  /** Of the entry's own step. */
  learningRate?: number;
  gradNorm?: number;
  evalLoss?: number;
  evalPerplexity?: number;
  evalAccuracy?: number;
  [metric: string]: number | undefined;
}

/** What the log needs of a run. */
interface Logged {
  step: number;
  epoch: number;
  log: LogEntry[];
  /** The losses since the last entry. */
  pending: { sum: number; count: number };
}

/** Takes note of a step, and writes an entry where one is due. A step without labels has no loss. */
export function logStep(
  state: Logged,
  { loss, ...rest }: { loss: number; learningRate: number; gradNorm: number },
  { logEvery, steps }: { logEvery: number; steps: number },
): void {
  const { step, epoch, pending } = state;
  if (Number.isFinite(loss)) {
    pending.sum += loss;
    pending.count++;
  }
  if (pending.count === 0 || (step % logEvery !== 0 && step !== steps)) return;
  state.log.push({ step, epoch, loss: pending.sum / pending.count, ...rest });
  state.pending = { sum: 0, count: 0 };
}

/** Writes an evaluation down, `loss` as `evalLoss` and so on. */
export function logEvaluation({ step, epoch, log }: Logged, metrics: Metrics): void {
  const named = Object.entries(metrics).map(([name, value]) => [
    `eval${name[0]?.toUpperCase()}${name.slice(1)}`,
    value,
  ]);
  log.push({ step, epoch, ...Object.fromEntries(named) });
}

/** Whether the log has an evaluation after this step. */
export function isEvaluated(log: readonly LogEntry[], step: number): boolean {
  return log.some((entry) => entry.step === step && isEvaluation(entry));
}

/** What the evaluations have measured, in their order. */
export const evaluatedLosses = (log: readonly LogEntry[]): number[] =>
  log.flatMap(({ evalLoss }) => evalLoss ?? []);

/** The log's last evaluation, under the names it was given. */
export function lastEvaluation(log: readonly LogEntry[]): Metrics | undefined {
  const last = log.findLast(isEvaluation);
  if (last === undefined) return undefined;
  const metrics = Object.entries(last).filter(([key]) => /^eval[A-Z]/.test(key));
  return Object.fromEntries(
    metrics.map(([key, value]) => [`${key[4]?.toLowerCase()}${key.slice(5)}`, value]),
  );
}

const isEvaluation = (entry: LogEntry): boolean =>
  Object.keys(entry).some((key) => /^eval[A-Z]/.test(key));
