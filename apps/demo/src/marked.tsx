import { marksOf } from './marks.js';

/** A text in which what would not be seen has a sign; copied, it is the text. */
export function Marked({ text, spaces = true }: { text: string; spaces?: boolean }) {
  return (
    <>
      {marksOf(text, { spaces }).map(({ text, sign }, i) =>
        sign === undefined ? (
          text
        ) : (
          <span key={i} class={sign.length > 1 ? 'mark code' : 'mark'} data-sign={sign}>
            {text}
          </span>
        ),
      )}
    </>
  );
}
