import { useMemo } from 'preact/hooks';
import { FailureNote } from '../failure-note.js';
import { Marked } from '../marked.js';
import { ColoredText, type Range } from './colored-text.js';
import { explain } from './explain.js';
import { PieceList } from './piece-list.js';
import type { Back, Change, Cut, Done, Facts } from './protocol.js';
import { Readout } from './readout.js';
import { tokensWithin } from './segments.js';

/** A token of one of the tokenizers, which all of them answer to. */
export interface Choice {
  tokenizer: string;
  token: number;
  /** Its characters; none if it was put around the text. */
  range: Range | undefined;
}

interface PanelProps {
  id: string;
  title: string;
  family: string;
  how: string;
  facts: Facts | undefined;
  cut: Cut | undefined;
  /** What is shown of the text. */
  text: string;
  /** Code points of the whole text. */
  characters: number;
  /** The most tokens that any of the tokenizers needs. */
  most: number;
  choice: Choice | undefined;
  choose: (choice: Choice | undefined) => void;
  /** Whether tokens are listed by their ids, not as the vocabulary spells them. */
  asIds: boolean;
  /** For the visitor's own. */
  remove?: (() => void) | undefined;
}

/** One tokenizer, and what it makes of the text. */
export function Panel(props: PanelProps) {
  const { id, title, family, how, facts, cut, remove } = props;
  return (
    <article class="tokenizer" aria-labelledby={`${id}-title`} data-tokenizer={id}>
      <header>
        <h3 id={`${id}-title`}>
          {title} <small>{family}</small>
        </h3>
        {facts && <small class="entries">{facts.vocabSize.toLocaleString('en')} entries</small>}
        {remove && (
          <button type="button" class="small outline secondary" onClick={remove}>
            Remove<span class="visually-hidden"> {title}</span>
          </button>
        )}
      </header>
      <p class="how">{how}</p>
      {cut?.failure && <FailureNote failure={cut.failure} explain={explain} />}
      {cut && !cut.failure && <Cuts {...props} cut={cut} />}
    </article>
  );
}

function Cuts({
  id,
  title,
  cut,
  text,
  characters,
  most,
  choice,
  choose,
  asIds,
}: PanelProps & { cut: Done }) {
  const { tokens } = cut;
  const own = choice?.tokenizer === id;
  const chosen = own ? choice.token : undefined;
  const range = choice?.range;
  const same = useMemo(
    () => (range ? tokensWithin(tokens, range.start, range.end) : undefined),
    [tokens, range?.start, range?.end],
  );
  const lit = useMemo(() => new Set(chosen !== undefined ? [chosen] : same), [chosen, same]);
  const chooseToken = (token: number | undefined) => {
    if (token === undefined) return choose(undefined);
    if (token === chosen) return;
    const { kind, start, end } = tokens[token]!;
    const hasPlace = kind !== 'frame' && end > start;
    choose({ tokenizer: id, token, range: hasPlace ? { start, end } : undefined });
  };
  // Of tokens that share a character the first; each further press goes to the next of them.
  const point = (under: readonly number[], click: boolean) => {
    const at = chosen === undefined ? -1 : under.indexOf(chosen);
    if (under.length > 0 && (click || at < 0)) chooseToken(under[(at + 1) % under.length]!);
  };
  return (
    <>
      <Counts cut={cut} characters={characters} most={most} />
      <ColoredText text={text} tokens={tokens} range={range} point={point} />
      <PieceList
        id={`${id}-pieces`}
        label={`Tokens of ${title}`}
        tokens={tokens}
        chosen={chosen}
        lit={lit}
        asIds={asIds}
        choose={chooseToken}
      />
      <Readout
        id={`${id}-pieces-readout`}
        text={text}
        tokens={tokens}
        chosen={chosen}
        same={own ? undefined : same}
      />
      <BackToText title={title} back={cut.back} />
    </>
  );
}

function Counts({ cut, characters, most }: { cut: Done; characters: number; most: number }) {
  const { count, frame, unknown } = cut;
  const own = count - frame;
  return (
    <div class="counts">
      <p>
        <strong>{count.toLocaleString('en')}</strong> token{count !== 1 && 's'}
        {frame > 0 && <span>, {frame} of them around the text</span>}
        {own > 0 && <span> · {average(characters / own)} characters each</span>}
        {unknown > 0 && <strong class="unknowns"> · {unknown.toLocaleString('en')} unknown</strong>}
      </p>
      <span class="bar" style={{ '--part': most > 0 ? count / most : 0 }} />
    </div>
  );
}

function average(value: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** What one gets when the ids are decoded. */
function BackToText({ title, back }: { title: string; back: Back }) {
  const { same, decoded, changes } = back;
  if (same) return <p class="back">Decoded: the text again, to the character.</p>;
  return (
    <div class="back">
      <p>Decoded{changes && ', with what was lost and what is new'}:</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section class="changes" dir="auto" tabIndex={0} aria-label={`Decoded by ${title}`}>
        {changes ? changes.map(change) : decoded}
      </section>
    </div>
  );
}

function change({ kind, text }: Change, i: number) {
  if (kind === 'same') return text;
  const marked = <Marked text={text} />;
  return kind === 'lost' ? <del key={i}>{marked}</del> : <ins key={i}>{marked}</ins>;
}
