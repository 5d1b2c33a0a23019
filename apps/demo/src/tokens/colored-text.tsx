import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Marked } from '../marked.js';
import type { Token } from './protocol.js';
import { type Segment, segmentsOf } from './segments.js';

/** Neighbours must differ; more colours than these are hard to tell apart. */
const COLOURS = 5;

export interface Range {
  start: number;
  end: number;
}

interface ColoredTextProps {
  /** What is shown of the text. */
  text: string;
  tokens: readonly Token[];
  /** The characters that stand out. */
  range: Range | undefined;
  /** Called with the tokens under the pointer; `click` tells a press from a passing by. */
  point: (tokens: readonly number[], click: boolean) => void;
}

/** The text as it was written, over the colours of its tokens. */
export function ColoredText({ text, tokens, range, point }: ColoredTextProps) {
  const frame = useRef<HTMLDivElement>(null);
  const segments = useMemo(() => segmentsOf(tokens, text.length), [tokens, text]);
  const spans = useMemo(
    () => segments.map((segment, i) => span(segment, i, text, tokens)),
    [segments, text, tokens],
  );
  // There may be a thousand: what stands out is marked in place, not drawn anew.
  useLayoutEffect(() => {
    for (const [i, { start, end }] of segments.entries()) {
      const lit = range !== undefined && start < range.end && end > range.start;
      frame.current!.children[i]!.classList.toggle('lit', lit);
    }
  }, [segments, range?.start, range?.end]);

  const heard = (click: boolean) => (event: PointerEvent | MouseEvent) => {
    // A finger passes over nothing: it presses.
    if (!click && (event as PointerEvent).pointerType !== 'mouse') return;
    const index = indexUnder(event);
    if (index !== undefined) point(segments[index]!.tokens, click);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list of tokens beside it is for the keyboard
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <div
      class="colored-text"
      dir="auto"
      ref={frame}
      onPointerOver={heard(false)}
      onClick={heard(true)}
    >
      {spans}
    </div>
  );
}

function span(
  { start, end, tokens: own }: Segment,
  i: number,
  text: string,
  all: readonly Token[],
) {
  const inside = <Marked text={text.slice(start, end)} spaces={own.length > 0} />;
  if (own.length === 0) {
    return (
      <span key={i} class="cut none" data-index={i}>
        {inside}
      </span>
    );
  }
  const { kind } = all[own[0]!]!;
  return (
    <span
      key={i}
      class={`cut ${kind}`}
      data-index={i}
      style={{ background: own.length > 1 ? stripes(own) : undefined, '--own': colour(own[0]!) }}
    >
      {inside}
    </span>
  );
}

export function colour(token: number): string {
  return `var(--token-${token % COLOURS})`;
}

/** A stripe a token, for characters that several share. */
function stripes(tokens: readonly number[]): string {
  const part = 100 / tokens.length;
  const stops = tokens.map((token, i) => `${colour(token)} ${i * part}% ${(i + 1) * part}%`);
  return `linear-gradient(to right, ${stops.join(', ')})`;
}

/** The index that the element under the pointer stands for. */
export function indexUnder({ target }: Event): number | undefined {
  const element = (target as Element).closest<HTMLElement>('[data-index]');
  return element ? Number(element.dataset.index) : undefined;
}
