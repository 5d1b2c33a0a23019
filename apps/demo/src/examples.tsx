import type { ComponentChildren } from 'preact';

interface ExamplesProps {
  /** What is said before them. */
  label?: string;
  examples: readonly { title: string; text: string }[];
  choose: (text: string) => void;
  /** What else can be pressed there, before them. */
  children?: ComponentChildren;
}

/** Texts to begin with, each behind a button. */
export function Examples({ label = 'Try', examples, choose, children }: ExamplesProps) {
  return (
    <div class="choices">
      {children}
      <span class="choices-label" id="examples">
        {label}
      </span>
      <ul class="plain" aria-labelledby="examples">
        {examples.map(({ title, text }) => (
          <li key={title}>
            <button type="button" class="small outline secondary" onClick={() => choose(text)}>
              {title}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
