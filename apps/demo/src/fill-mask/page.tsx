import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { AttentionView } from '../attention/attention-view.js';
import { Examples } from '../examples.js';
import { explainModel } from '../explain-model.js';
import { FailureNote } from '../failure-note.js';
import { ModelStatus } from '../model-status.js';
import { keepForOffline } from '../offline.js';
import { Guesses } from './guesses.js';
import { blankOut, fillBlank, MASK, normalizeBlanks } from './sentence.js';
import { TokenRow } from './token-row.js';
import { useFillMask } from './use-fill-mask.js';

const examples = [
  'The president of the United [MASK] spoke to the congress.',
  'The captain stood on the [MASK] of the ship.',
  'We must work for [MASK] and prosperity among all nations.',
  'He opened the [MASK] and walked into the [MASK].',
];

/** Type a sentence with a blank, see what BERT would write there and where it looked. */
export function FillMaskPage() {
  const model = useMemo(
    () => new URL('models/bert-mini-english/', document.baseURI.replace(/#.*/, '')).href,
    [],
  );
  const [text, setText] = useState(examples[0]!);
  const { loading, analysis, failure, retry } = useFillMask(model, normalizeBlanks(text));
  const field = useRef<HTMLTextAreaElement>(null);
  const ready = loading.state === 'ready';
  const current = analysis?.text === normalizeBlanks(text);

  useEffect(() => {
    if (ready) keepForOffline();
  }, [ready]);

  const insertBlank = () => {
    const { selectionStart, selectionEnd } = field.current!;
    setText(text.slice(0, selectionStart) + MASK + text.slice(selectionEnd));
    field.current!.focus();
  };

  return (
    <>
      <h1>Fill in the blank</h1>
      <p>
        BERT reads a whole sentence at once and guesses the words that are missing. Write one with{' '}
        <code>{MASK}</code> where a word should be, and see what it would put there and which words
        it looked at.
      </p>

      <ModelStatus loading={loading} retry={retry} />

      <section aria-label="Sentence">
        <label for="sentence">Your sentence</label>
        <textarea
          id="sentence"
          ref={field}
          rows={2}
          value={text}
          spellcheck={false}
          autocomplete="off"
          aria-describedby="sentence-note"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <SentenceNote text={normalizeBlanks(text)} dropped={current ? analysis.dropped : 0} />
        <Examples
          label="or try"
          examples={examples.map((text) => ({ title: text.replaceAll(MASK, '___'), text }))}
          choose={setText}
        >
          <button type="button" class="small" onClick={insertBlank}>
            Insert a blank
          </button>
        </Examples>
      </section>

      {failure && <FailureNote failure={failure} explain={explainModel} />}
      {analysis && (
        <div class={current ? 'results' : 'results stale'}>
          <Guesses
            analysis={analysis}
            fill={(index, token) => setText(fillBlank(normalizeBlanks(text), index, token))}
          />
          <TokenRow
            analysis={analysis}
            blankOut={(index) =>
              current && setText(blankOut(analysis.text, analysis.tokens, index))
            }
          />
          <AttentionView
            attention={analysis.attention}
            labels={analysis.tokens.map((token) => token.text)}
            row={Math.max(
              analysis.tokens.findIndex((token) => token.text === MASK),
              0,
            )}
          />
        </div>
      )}
    </>
  );
}

/** What is amiss with the sentence, if anything. */
function SentenceNote({ text, dropped }: { text: string; dropped: number }) {
  const note =
    dropped > 0
      ? `Too long: the last ${dropped} tokens were left out.`
      : !text.trim()
        ? 'Write a sentence, or choose an example.'
        : !text.includes(MASK)
          ? `No blank yet: write ${MASK} where a word should be guessed, or click a token below.`
          : '';
  return (
    <p class="note" id="sentence-note" role="status">
      {note}
    </p>
  );
}
