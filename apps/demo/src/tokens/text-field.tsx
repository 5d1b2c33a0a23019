import type { Result } from './protocol.js';

/** Longer texts are not put into the field: a browser may take seconds to break them into lines. */
const LONG = 20_000;
/** How much of a long text the field shows. */
const BEGINNING = 2000;

interface TextFieldProps {
  text: string;
  setText: (text: string) => void;
  /** Of the newest text that was answered. */
  result: Result | undefined;
}

/** Where the text is written; a long one can be pasted, and then only be replaced. */
export function TextField({ text, setText, result }: TextFieldProps) {
  const long = text.length > LONG;
  const paste = (event: ClipboardEvent & { currentTarget: HTMLTextAreaElement }) => {
    const { selectionStart, selectionEnd } = event.currentTarget;
    // As a field does with what is put into it.
    const pasted = event.clipboardData?.getData('text/plain').replace(/\r\n?/g, '\n') ?? '';
    const whole = long ? pasted : text.slice(0, selectionStart) + pasted + text.slice(selectionEnd);
    if (whole.length <= LONG && !long) return;
    event.preventDefault();
    setText(whole);
  };
  return (
    <>
      <label for="text">Your text</label>
      <textarea
        id="text"
        rows={3}
        dir="auto"
        value={long ? `${text.slice(0, BEGINNING)}…` : text}
        readOnly={long}
        spellcheck={false}
        autocomplete="off"
        aria-describedby="text-note"
        onPaste={paste}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <TextNote text={text} result={result} />
      {long && (
        <button type="button" class="small" onClick={() => setText('')}>
          Write another text
        </button>
      )}
    </>
  );
}

/** How long the text is, in the units that programs count in, and whether all of it is shown. */
function TextNote({ text, result }: Pick<TextFieldProps, 'text' | 'result'>) {
  const count = (value: number) => value.toLocaleString('en');
  const current = result?.text === text;
  return (
    <div class="note" id="text-note">
      {current && text !== '' && (
        <span>
          {count(result.characters)} characters, {count(text.length)} UTF-16 units,{' '}
          {count(result.bytes)} bytes of UTF-8.{' '}
        </span>
      )}
      <strong role="status">
        {text === ''
          ? 'Write or paste a text, or choose an example.'
          : !current && text.length > LONG
            ? 'Cutting it up …'
            : current && result.shown < text.length
              ? `Too long to show: below are the first ${count(result.shown)} units; what is counted is all of it.`
              : ''}
      </strong>
    </div>
  );
}
