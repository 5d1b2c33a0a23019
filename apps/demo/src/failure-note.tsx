import type { Failure } from './failure.js';

interface FailureNoteProps {
  failure: Failure;
  /** In words a visitor can act on. */
  explain: (failure: Failure) => { title: string; advice: string };
  retry?: (() => void) | undefined;
}

export function FailureNote({ failure, explain, retry }: FailureNoteProps) {
  const { title, advice } = explain(failure);
  return (
    <div class="failure" role="alert">
      <h2>{title}</h2>
      <p>{advice}</p>
      {retry && (
        <button type="button" class="small" onClick={retry}>
          Try again
        </button>
      )}
      <details>
        <summary>What exactly happened</summary>
        <code>
          {failure.code}: {failure.message}
        </code>
      </details>
    </div>
  );
}
