import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Marked } from '../marked.js';
import { percent } from '../percent.js';
import { memoryShare, rowWeights, type Seen, seenFrom, type Which } from './crossing.js';
import { CrossingArcs } from './crossing-arcs.js';
import { SEGMENT, type TokenText, type View } from './protocol.js';
import { tokens as tokensOf } from './wording.js';

interface CrossingViewProps {
  text: TokenText;
  view: View;
  /** The token whose foretelling is looked into, one of the view's segment. */
  index: number;
}

/** Where the model looks to foretell a token: into memory, or into its own segment. */
export function CrossingView({ text, view, index }: CrossingViewProps) {
  const [{ layer, head }, setWhich] = useState<{ layer: Which; head: Which }>(ALL);
  const row = index % SEGMENT;
  const weights = useMemo(() => rowWeights(view, row, layer, head), [view, row, layer, head]);
  const { memory, segment } = seenFrom(view, row, weights);
  const share = memoryShare(view, row, layer, head);
  const wordOf = (at: number) => (at < 0 ? text.start : text.tokens[at]!.text.trim());
  const strongest = [...memory, ...segment].sort((a, b) => b.weight - a.weight).slice(0, 8);
  const most = strongest[0]!.weight;
  const inWords =
    layer === 'mean' ? 'over all layers and heads' : `layer ${layer + 1}, ${headName(head)}`;

  return (
    <section aria-labelledby="crossing" data-token={index}>
      <h2 id="crossing">Attention across the border</h2>
      <p>
        To foretell “<b>{wordOf(index)}</b>” the model stands at “<b>{wordOf(index - 1)}</b>”, the
        token before it, and looks back: at its own segment, and{' '}
        {view.remembered > 0
          ? `over the border at the ${tokensOf(view.remembered)} that it remembers`
          : 'at nothing else, for it remembers nothing'}
        . Choose another token in the text above.
      </p>
      <output class="readout" aria-live="polite">
        <span>
          <strong>{percent(share)}</strong> of its attention goes into memory,{' '}
          <strong>{percent(1 - share)}</strong> to its own segment
        </span>
        <small>{inWords}</small>
      </output>
      <div class="crossing">
        <Shares view={view} row={row} chosen={{ layer, head }} choose={setWhich} />
        <CrossingArcs {...{ memory, segment, most, share }} />
        <div class="crossing-text">
          <Looked
            label={view.remembered > 0 ? 'Memory' : 'Memory: none'}
            seen={memory}
            {...{ text, most }}
          />
          <p class="border-line">the border of segment {view.segment + 1}</p>
          <Looked label="Its own segment, up to there" seen={segment} {...{ text, most }} />
          <p class="foretold">
            → <b>{wordOf(index)}</b>
          </p>
        </div>
        <div>
          <h3>Most of all at</h3>
          <ol class="plain strongest">
            {strongest.map((seen) => (
              <li key={seen.index} class="step">
                <b class="word">{wordOf(seen.index)}</b>
                <span class="bar" style={{ '--part': seen.weight / most }} />
                <span class="percent">{percent(seen.weight)}</span>
                <small>
                  {index - seen.index} back{isRemembered(seen, memory) ? ', in memory' : ''}
                </small>
              </li>
            ))}
          </ol>
        </div>
      </div>
    </section>
  );
}

const ALL = { layer: 'mean', head: 'mean' } as const;

const isRemembered = ({ index }: Seen, memory: readonly Seen[]): boolean =>
  memory.length > 0 && index <= memory.at(-1)!.index;

const headName = (head: Which): string => (head === 'mean' ? 'all heads' : `head ${head + 1}`);

interface SharesProps {
  view: View;
  row: number;
  chosen: { layer: Which; head: Which };
  choose: (which: { layer: Which; head: Which }) => void;
}

/** Of every layer and head, how much goes into memory. */
function Shares({ view, row, chosen, choose }: SharesProps) {
  const cell = (layer: Which, head: Which, name: string) => {
    const share = memoryShare(view, row, layer, head);
    const rounded = Math.round(share * 100);
    const isChosen = layer === chosen.layer && head === chosen.head;
    return (
      <button
        type="button"
        class="share"
        aria-pressed={isChosen}
        aria-label={`${name}: ${rounded} % into memory`}
        style={{ '--part': share }}
        onClick={() => choose({ layer, head })}
      >
        {rounded}
      </button>
    );
  };
  const [layers, heads] = [range(view.layers), range(view.heads)];
  return (
    <section class="shares" aria-label="How much of each head's attention goes into memory">
      <h3>Into memory, in percent</h3>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">Layer</span>
              </th>
              {heads.map((head) => (
                <th key={head} scope="col">
                  <span class="visually-hidden">Head </span>
                  {head + 1}
                </th>
              ))}
              <th scope="col">all</th>
            </tr>
          </thead>
          <tbody>
            {layers.map((layer) => (
              <tr key={layer}>
                <th scope="row">Layer {layer + 1}</th>
                {heads.map((head) => (
                  <td key={head}>{cell(layer, head, `Layer ${layer + 1}, head ${head + 1}`)}</td>
                ))}
                <td>{cell(layer, 'mean', `Layer ${layer + 1}, all heads`)}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">All</th>
              {heads.map((head) => (
                <td key={head}>{cell('mean', head, `All layers, head ${head + 1}`)}</td>
              ))}
              <td>{cell('mean', 'mean', 'All layers and heads')}</td>
            </tr>
          </tbody>
        </table>
      </div>
      <small>Columns are heads. Press one to see where it looks.</small>
    </section>
  );
}

interface LookedProps {
  label: string;
  text: TokenText;
  seen: readonly Seen[];
  /** The greatest weight, which has the full colour. */
  most: number;
}

/** A part of the text, its tokens the stronger the more they are looked at. */
function Looked({ label, text, seen, most }: LookedProps) {
  const frame = useRef<HTMLDivElement>(null);
  // What is nearest to the border is seen first.
  useLayoutEffect(() => {
    frame.current!.scrollTop = frame.current!.scrollHeight;
  }, [seen]);
  return (
    <>
      <h3>{label}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section class="looked" ref={frame} tabIndex={0} aria-label={label}>
        {seen.map(({ index, weight }) => {
          const piece = index < 0 ? text.start : text.tokens[index]!.text;
          const word = piece.trimStart() || piece;
          return (
            <span key={index}>
              {piece.slice(0, piece.length - word.length)}
              <span
                class="looked-token"
                style={{ '--weight': Math.sqrt(weight / most) }}
                title={percent(weight)}
              >
                <Marked text={word} spaces={false} />
              </span>
            </span>
          );
        })}
      </section>
    </>
  );
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
