import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { AttentionView } from '../attention/attention-view.js';
import { Examples } from '../examples.js';
import { FailureNote } from '../failure-note.js';
import { ModelStatus } from '../model-status.js';
import { keepForOffline } from '../offline.js';
import { Controls, usual } from './controls.js';
import { explain } from './explain.js';
import { Lens } from './lens.js';
import type { Settings } from './protocol.js';
import { type Run, useWriter, type Writer } from './use-writer.js';
import { withCandidate } from './with-candidate.js';
import { tokens as countOf, labelOf, stateOf } from './wording.js';
import { WrittenText } from './written-text.js';

const examples = [
  'The president of the United States',
  'The captain looked at the sea and',
  'She opened the door and',
  'We must work for peace',
];

/** Begin a text, and watch GPT go on with it. */
export function WritePage() {
  const model = useMemo(
    () => new URL('models/gpt-mini-english/', document.baseURI.replace(/#.*/, '')).href,
    [],
  );
  const [text, setText] = useState(examples[0]!);
  const [settings, setSettings] = useState<Settings>(usual);
  const writer = useWriter(model, text);
  const { loading, contextLength, run, view, failure, count, write, stop, retry } = writer;
  const [chosen, setChosen] = useState<number>();
  const [peeked, setPeeked] = useState<number>();
  const actions = useRef<HTMLDivElement>(null);
  const ready = loading.state === 'ready';
  const writing = run?.state === 'writing';

  useEffect(() => {
    if (ready) keepForOffline();
  }, [ready]);
  // On a small screen the text may be out of sight: it is below the buttons.
  useEffect(() => {
    const { bottom } = actions.current!.getBoundingClientRect();
    if (writing && bottom > innerHeight - 300) actions.current!.scrollIntoView();
  }, [writing]);

  const choose = (index: number | undefined) => {
    setChosen(index);
    setPeeked(undefined);
  };
  const begin = (beginning: Parameters<Writer['write']>[0]) => {
    choose(undefined);
    write(beginning, settings);
  };
  const submit = () => (writing ? stop() : ready && begin(text));
  const tryExample = (example: string) => {
    setText(example);
    if (ready) begin(example);
  };
  const full =
    run !== undefined &&
    settings.onContextFull === 'stop' &&
    run.tokens.length > (contextLength ?? Number.POSITIVE_INFINITY);
  const told = peeked ?? chosen;
  const shown = told ?? (run && run.tokens.length - 1);

  return (
    <>
      <h1>Write on</h1>
      <p>
        GPT reads a text and gives every token of its vocabulary a probability to come next. One of
        them is drawn and put at the end, and it begins again. Give it a beginning, and watch.
      </p>

      <ModelStatus loading={loading} retry={retry} />

      <section aria-label="Beginning">
        <label for="beginning">Your beginning</label>
        <textarea
          id="beginning"
          rows={2}
          dir="auto"
          value={text}
          spellcheck={false}
          autocomplete="off"
          aria-describedby="beginning-note"
          aria-keyshortcuts="Control+Enter"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
          }}
        />
        <BeginningNote
          text={text}
          count={count}
          contextLength={contextLength}
          onContextFull={settings.onContextFull}
        />
        <Examples examples={examples.map((text) => ({ title: text, text }))} choose={tryExample} />
        <Controls
          settings={settings}
          change={(changed) => setSettings((before) => ({ ...before, ...changed }))}
        />
        <div class="actions" ref={actions}>
          <button
            type="button"
            class={writing ? 'contrast' : undefined}
            disabled={!ready}
            onClick={submit}
          >
            {writing ? 'Stop' : 'Write'}
          </button>
          <button
            type="button"
            class="secondary"
            disabled={!run || writing || full}
            onClick={() => run && begin(run.tokens)}
          >
            Go on
          </button>
        </div>
      </section>

      {failure && <FailureNote failure={failure} explain={explain} />}
      {run && (
        <section aria-labelledby="written" aria-busy={writing} class="writing">
          <h2 id="written">Text</h2>
          <Figures run={run} contextLength={contextLength ?? 0} />
          <div class="text-frame">
            <div>
              <WrittenText
                tokens={run.tokens}
                from={run.from}
                lit={told}
                chosen={chosen}
                peek={setPeeked}
                choose={choose}
              />
            </div>
            <Lens
              token={shown === undefined ? undefined : run.tokens[shown]}
              newest={told === undefined}
              pick={(id) => begin(withCandidate(run.tokens, shown!, id))}
            />
          </div>
        </section>
      )}
      {view && (
        <div class={writing ? 'results stale' : 'results'} data-attention-from={view.from}>
          <AttentionView
            attention={view.attention}
            labels={view.tokens.map(({ name }) => labelOf(name))}
            row={rowOf(chosen, view)}
            causal
          />
        </div>
      )}
    </>
  );
}

/** The row of the chosen token, or the last. */
function rowOf(chosen: number | undefined, { from, tokens }: NonNullable<Writer['view']>): number {
  const last = tokens.length - 1;
  return chosen === undefined || chosen < from ? last : Math.min(chosen - from, last);
}

/** How it goes, in words that are read out and figures that are not. */
function Figures({ run, contextLength }: { run: Run; contextLength: number }) {
  const { tokens, state, from, firstMilliseconds, speed, seed } = run;
  const text = tokens.map((token) => token.text).join('');
  const figures = [
    countOf(tokens.length),
    firstMilliseconds !== undefined && `first after ${firstMilliseconds.toFixed(0)} ms`,
    speed !== undefined && `then ${Math.round(speed).toLocaleString('en')} tokens a second`,
    `seed ${seed}`,
  ];
  return (
    <div class="figures">
      <p role="status">
        {stateOf(run, contextLength)}
        {state === 'ended' && <span class="visually-hidden"> It reads: {text}</span>}
      </p>
      <p>
        <small class="timing">{figures.filter(Boolean).join(' · ')}</small>
      </p>
      {from > 0 && (
        <p>
          <small>The model has forgotten the first {countOf(from)}, which are grey.</small>
        </p>
      )}
    </div>
  );
}

interface BeginningNoteProps {
  text: string;
  count: number | undefined;
  contextLength: number | undefined;
  onContextFull: Settings['onContextFull'];
}

/** How much of what the model can read the beginning is. */
function BeginningNote({ text, count, contextLength, onContextFull }: BeginningNoteProps) {
  const known = count !== undefined && contextLength !== undefined;
  return (
    <p class="note" id="beginning-note" role="status">
      {text === ''
        ? 'Empty: the model begins a text of its own.'
        : known && count > contextLength
          ? `${countOf(count)}, but the model reads ${contextLength}: ` +
            (onContextFull === 'slide' ? 'only the end is read.' : 'too long.')
          : known && `${countOf(count)} of the ${contextLength} that the model reads.`}
    </p>
  );
}
