import { useEffect, useMemo, useState } from 'preact/hooks';
import { Examples } from '../examples.js';
import { FailureNote } from '../failure-note.js';
import { keepForOffline } from '../offline.js';
import { examples } from './examples.js';
import { explain, explainLoading } from './explain.js';
import { OwnTokenizers } from './own-tokenizers.js';
import { type Choice, Panel } from './panel.js';
import type { Cut, Result } from './protocol.js';
import { shelf } from './shelf.js';
import { TextField } from './text-field.js';
import { useTokenizers } from './use-tokenizers.js';

/** Type a text, see how the tokenizers of four families cut it. */
export function TokensPage() {
  const site = useMemo(() => new URL('.', document.baseURI.replace(/#.*/, '')).href, []);
  const [text, setText] = useState(examples[0]!.text);
  const { loading, facts, own, result, failure, open, close, retry } = useTokenizers(site, text);
  const [chosen, setChosen] = useState<{ choice: Choice; result: Result }>();
  const [asIds, setAsIds] = useState(false);
  const ready = loading.state === 'ready';
  const current = result?.text === text;

  useEffect(() => {
    if (ready) keepForOffline();
  }, [ready]);

  // What was chosen in another text, or in a tokenizer that is gone, is chosen no more.
  const choice = chosen?.result === result ? chosen?.choice : undefined;
  const choose = (next: Choice | undefined) =>
    setChosen(next && result ? { choice: next, result } : undefined);
  const shown = result?.text.slice(0, result.shown) ?? '';
  const counts = result?.cuts.map((cut) => (cut.failure ? 0 : cut.count)) ?? [];
  const common = {
    text: shown,
    characters: result?.characters ?? 0,
    most: Math.max(0, ...counts),
    choice,
    choose,
    asIds,
  };
  const cutOf = (id: string) => result?.cuts.find((cut) => cut.id === id);

  return (
    <>
      <h1>Cut into tokens</h1>
      <p>
        A language model reads no letters and no words, but tokens: entries of a fixed vocabulary.
        How a text is cut into them differs from family to family. These vocabularies are equally
        large and learned from the same texts, so that what differs is the doing of the method.
      </p>

      {loading.state === 'failed' && (
        <FailureNote failure={loading.failure} explain={explainLoading} retry={retry} />
      )}

      <section aria-label="Text">
        <TextField text={text} setText={setText} result={result} />
        <Examples examples={examples} choose={setText} />
      </section>

      <section
        class={current ? 'results tokenizers' : 'results tokenizers stale'}
        aria-labelledby="cuts"
        aria-busy={!current}
      >
        <header>
          <h2 id="cuts">Tokens</h2>
          <label>
            <input
              type="checkbox"
              role="switch"
              aria-checked={asIds}
              checked={asIds}
              onChange={({ currentTarget }) => setAsIds(currentTarget.checked)}
            />
            List them by their ids
          </label>
          <p class="visually-hidden" role="status">
            {[...shelf, ...own].map(({ id, title }) => summary(title, cutOf(id))).join(' ')}
          </p>
        </header>
        {shelf.map((one) => (
          <Panel key={one.id} {...one} facts={facts.get(one.id)} cut={cutOf(one.id)} {...common} />
        ))}
        {own.map(({ id, title }) => (
          <Panel
            key={id}
            id={id}
            title={title}
            family={METHODS[facts.get(id)?.method ?? ''] ?? ''}
            how="Your own: read in this page, and gone when you leave it."
            facts={facts.get(id)}
            cut={cutOf(id)}
            {...common}
            remove={() => close(id)}
          />
        ))}
        <div class="across">
          {failure && <FailureNote failure={failure} explain={explain} />}
          <OwnTokenizers open={open} />
        </div>
      </section>
    </>
  );
}

/** What the kinds of models in a `tokenizer.json` are called here. */
const METHODS: Record<string, string> = {
  WordPiece: 'WordPiece',
  BPE: 'BPE',
  WordLevel: 'word-level',
};

function summary(title: string, cut: Cut | undefined): string {
  return cut && !cut.failure ? `${title}: ${cut.count} tokens, ${cut.unknown} unknown.` : '';
}
