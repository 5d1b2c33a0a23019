import { explainModel } from './explain-model.js';
import type { Failure } from './failure.js';
import { FailureNote } from './failure-note.js';
import type { ModelFacts } from './model-facts.js';

export type Loading<Facts extends ModelFacts = ModelFacts> =
  | { state: 'loading'; loaded: number; total: number | undefined }
  | { state: 'ready'; model: Facts }
  | { state: 'failed'; failure: Failure };

export const notBegun: Loading & { state: 'loading' } = {
  state: 'loading',
  loaded: 0,
  total: undefined,
};

interface ModelStatusProps {
  loading: Loading;
  retry: () => void;
}

/** How far the model is. */
export function ModelStatus({ loading, retry }: ModelStatusProps) {
  if (loading.state === 'failed') {
    return <FailureNote failure={loading.failure} explain={explainModel} retry={retry} />;
  }
  if (loading.state === 'loading') {
    const { loaded, total } = loading;
    const known = total !== undefined && total > 0;
    return (
      <div class="status">
        <p role="status">
          {loaded === 0
            ? 'Starting the model …'
            : `Fetching the model: ${megabytes(loaded)}${known ? ` of ${megabytes(total)}` : ''} MB`}
        </p>
        <progress aria-label="Fetching the model" {...(known && { value: loaded, max: total })} />
      </div>
    );
  }
  const { variant, parameters, layers, heads, milliseconds } = loading.model;
  const seconds = (milliseconds / 1000).toFixed(1);
  return (
    <div class="status" data-state="ready">
      <p role="status">
        Ready in {seconds} s: {(parameters / 1e6).toFixed(1)} million weights, {layers} layers of{' '}
        {heads} heads, on WebAssembly {variant === 'relaxed-simd' ? 'relaxed SIMD' : 'SIMD'}.
      </p>
    </div>
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
