import { useEffect, useMemo, useState } from 'preact/hooks';
import { Examples } from '../examples.js';
import { explainModel } from '../explain-model.js';
import { FailureNote } from '../failure-note.js';
import { ModelStatus } from '../model-status.js';
import { keepForOffline } from '../offline.js';
import { Slider } from '../slider.js';
import { ChangeList } from './change-list.js';
import { CrossingView } from './crossing-view.js';
import { examples } from './examples.js';
import { type Change, changes, greatest, perplexity } from './gains.js';
import { Lens } from './lens.js';
import { LossText } from './loss-text.js';
import { MEMORIES, MOST_TOKENS, SEGMENT } from './protocol.js';
import { RaceView } from './race-view.js';
import { type Reading, useMemory } from './use-memory.js';
import { figure, tokens as tokensOf } from './wording.js';

/** A text, and what it costs a model that remembers more or less of it. */
export function MemoryPage() {
  const model = useMemo(
    () => new URL('models/transformer-xl-mini-english/', document.baseURI.replace(/#.*/, '')).href,
    [],
  );
  const [text, setText] = useState(examples[0]!.text);
  const [memory, setMemory] = useState(128);
  const [colors, setColors] = useState<Colors>('surprise');
  const [chosen, setChosen] = useState<number>();
  const [peeked, setPeeked] = useState<number>();
  const use = useMemory(model, text, memory);
  const { loading, retry, reading, view, race, failure, look, startRace, stopRace } = use;
  const ready = loading.state === 'ready';
  const current = reading?.written === text;

  useEffect(() => {
    if (ready) keepForOffline();
  }, [ready]);
  const number = reading?.number;
  useEffect(() => {
    setChosen(undefined);
    setPeeked(undefined);
  }, [number]);

  const without = reading?.measured.get(0)?.bits;
  const withMemory = reading?.measured.get(memory)?.bits;
  const changed = useMemo(
    () =>
      reading && without && withMemory
        ? changes(reading.tokens, { without, withMemory, memory })
        : { helped: [], harmed: [] },
    [number, without, withMemory, memory],
  );
  const most = useMemo(() => Object.values(greatest(changed)).flat(), [changed]);
  const marked = useMemo(() => new Set(most.map(({ index }) => index)), [most]);

  // What is looked into: the chosen token, or one that memory helped.
  const told = chosen ?? telling(most) ?? 0;
  const segment = Math.floor(told / SEGMENT);
  const isThere = (one: typeof view) =>
    one?.reading === number && one?.memory === memory && one?.segment === segment;
  const wanted = withMemory !== undefined && !isThere(view);
  useEffect(() => {
    if (!wanted) return;
    const timer = setTimeout(() => look(memory, segment), 50);
    return () => clearTimeout(timer);
  }, [wanted, number, memory, segment]);

  return (
    <>
      <h1>Remember</h1>
      <p>
        A language model takes in a text in segments, here of {SEGMENT} tokens. An ordinary
        transformer forgets, at the border between two of them, all that came before. Transformer-XL
        keeps what its layers made of it, its <strong>memory</strong>, and goes on looking there.
        Move the slider, and see which words of the same text surprise the model when it remembers
        more or less.
      </p>

      <ModelStatus loading={loading} retry={retry} />

      <section aria-label="Text">
        <label for="passage">Your text</label>
        <textarea
          id="passage"
          rows={4}
          dir="auto"
          value={text}
          spellcheck={false}
          autocomplete="off"
          aria-describedby="passage-note"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <PassageNote reading={current ? reading : undefined} text={text} />
        <Examples examples={examples} choose={setText} />
      </section>

      {failure && <FailureNote failure={failure} explain={explainModel} />}
      {reading && without && (
        <div class={current ? 'results' : 'results stale'}>
          <section aria-labelledby="surprise">
            <h2 id="surprise">Surprise</h2>
            <Slider
              id="memory"
              label="Memory"
              shown={memory === 0 ? 'none' : tokensOf(memory)}
              says={saysOf(memory, ready ? loading.model.trainedMemory : memory)}
              range={{
                min: 0,
                max: MEMORIES.length - 1,
                step: 1,
                value: MEMORIES.indexOf(memory as never),
              }}
              change={(stop) => setMemory(MEMORIES[stop]!)}
            />
            <Figures reading={reading} memory={memory} />
            <ColoredBy value={colors} change={setColors} />
            <div class="text-frame">
              <div>
                <LossText
                  text={reading}
                  bits={withMemory ?? without}
                  without={colors === 'change' ? without : undefined}
                  marked={marked}
                  lit={peeked ?? chosen}
                  chosen={chosen}
                  peek={setPeeked}
                  choose={setChosen}
                />
              </div>
              <Lens
                reading={reading}
                index={peeked ?? chosen}
                memory={memory}
                remember={setMemory}
              />
            </div>
          </section>
          <ChangeList
            tokens={reading.tokens}
            changes={changed}
            memory={memory}
            choose={setChosen}
          />
          {view && view.reading === number && (
            <div class={isThere(view) ? 'results' : 'results stale'}>
              <CrossingView
                text={reading}
                view={view}
                index={
                  isThere(view)
                    ? told
                    : Math.min(view.segment * SEGMENT + (told % SEGMENT), reading.tokens.length - 1)
                }
              />
            </div>
          )}
          <RaceView length={reading.tokens.length} race={race} start={startRace} stop={stopRace} />
        </div>
      )}
    </>
  );
}

/** What of the text is looked into first: a token that has others of its own segment to look at, too. */
function telling(changes: readonly Change[]): number | undefined {
  return (changes.find(({ index }) => index % SEGMENT >= 4) ?? changes[0])?.index;
}

function saysOf(memory: number, trained: number): string {
  if (memory === 0) return 'each segment stands alone';
  const beyond = memory > trained ? `, more than the ${trained} it was trained with` : '';
  return `of the text before each segment are remembered${beyond}`;
}

type Colors = 'surprise' | 'change';

/** What the colours of the text tell. */
function ColoredBy({ value, change }: { value: Colors; change: (value: Colors) => void }) {
  const choice = (colors: Colors, label: string) => (
    <label>
      <input
        type="radio"
        name="colors"
        checked={value === colors}
        onChange={() => change(colors)}
      />
      {label}
    </label>
  );
  return (
    <fieldset class="colored-by">
      <legend>Colours show</legend>
      {choice('surprise', 'surprise')}
      {choice('change', 'change against no memory')}
    </fieldset>
  );
}

/** What the whole text costs with this memory, and what it costs with none. */
function Figures({ reading: { measured }, memory }: { reading: Reading; memory: number }) {
  const [without, withMemory] = [0, memory].map((length) => measured.get(length));
  const [before, now] = [without, withMemory].map((one) => one && perplexity(one.bits));
  return (
    <div class="figures">
      <p role="status">
        Perplexity <strong>{now === undefined ? '…' : figure(now)}</strong>
        {memory > 0 && before !== undefined && (
          <>
            ; without memory <strong>{figure(before)}</strong>
            {now !== undefined && `: ${difference(before, now)}`}
          </>
        )}
      </p>
      {withMemory && (
        <p>
          <small class="timing">Read in {withMemory.milliseconds.toFixed(0)} ms.</small>
        </p>
      )}
    </div>
  );
}

function difference(before: number, now: number): string {
  const part = Math.round((now / before - 1) * 100);
  if (part === 0) return 'memory changes nothing';
  return part < 0 ? `memory takes off ${-part} %` : `memory adds ${part} %`;
}

/** How long the text is, and what of it the model cannot read. */
function PassageNote({ reading, text }: { reading: Reading | undefined; text: string }) {
  if (text.trim() === '') {
    return (
      <p class="note" id="passage-note" role="status">
        Write or paste a text, or choose an example.
      </p>
    );
  }
  const { tokens, dropped = 0, unknown = 0 } = reading ?? {};
  const notes = tokens && [
    dropped > 0
      ? `Too long: of ${tokensOf(tokens.length + dropped)} the first ${MOST_TOKENS.toLocaleString('en')} are read.`
      : `${tokensOf(tokens.length)} in ${Math.ceil(tokens.length / SEGMENT)} segments.`,
    unknown > 0 &&
      `${unknown === 1 ? 'One is' : `${unknown} are`} not in the vocabulary: the model reads <unk>.`,
    tokens.length <= SEGMENT && 'They fit into one segment: there is nothing to remember yet.',
  ];
  return (
    <p class="note" id="passage-note" role="status">
      {notes?.filter(Boolean).join(' ')}
    </p>
  );
}
