import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Cell {
  row: number;
  column: number;
}

interface HeatMapProps {
  /** [length, length], each 0…1 */
  weights: Float32Array;
  /** One a row, and one a column. */
  labels: string[];
  cell: Cell;
  choose: (cell: Cell) => void;
  /** The cell was not chosen here: scroll to it. */
  follow: boolean;
  /** No row reaches further than its own column. */
  causal: boolean;
}

/** Sides of a square, in CSS pixels: small enough for a phone, large enough for a finger. */
const SMALLEST = 16;
const LARGEST = 34;

/** Squares in shades, with labels that stay in sight; by pointer, finger or arrow keys. */
export function HeatMap({ weights, labels, cell, choose, follow, causal }: HeatMapProps) {
  const { length } = labels;
  const room = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [theme, setTheme] = useState(0);

  useLayoutEffect(() => {
    const observer = new ResizeObserver(() =>
      setWidth(room.current!.clientWidth - rows.current!.offsetWidth),
    );
    observer.observe(room.current!);
    observer.observe(rows.current!);
    return () => observer.disconnect();
  }, []);
  // The shades are the stylesheet's, which knows light and dark.
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setTheme((count) => count + 1);
    dark.addEventListener('change', changed);
    return () => dark.removeEventListener('change', changed);
  }, []);

  const side = Math.max(SMALLEST, Math.min(LARGEST, Math.floor(width / length)));
  useLayoutEffect(() => {
    if (width > 0) draw(canvas.current!, weights, length, side, cell, causal);
  }, [weights, length, side, width, theme, cell.row, cell.column, causal]);

  useLayoutEffect(() => {
    if (follow && width > 0) reveal(frame.current!, rows.current!.offsetWidth, cell, side);
  }, [follow, cell.row, cell.column, side, width]);

  const point = ({ offsetX, offsetY }: PointerEvent) => {
    const at = (offset: number) => Math.max(0, Math.min(length - 1, Math.floor(offset / side)));
    const row = at(offsetY);
    const next = { row, column: Math.min(at(offsetX), reach(row, length, causal)) };
    if (next.row !== cell.row || next.column !== cell.column) choose(next);
  };
  const press = (event: KeyboardEvent) => {
    const next = step(event.key, cell, length, causal);
    if (!next) return;
    event.preventDefault();
    choose(next);
    reveal(frame.current!, rows.current!.offsetWidth, next, side);
  };
  const label = (text: string, i: number, now: boolean) => (
    <span key={i} class={now ? 'now' : undefined} title={text}>
      {text}
    </span>
  );

  return (
    <>
      <div ref={room} />
      <div
        class="heat-map"
        ref={frame}
        style={{ '--side': `${side}px` }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is moved about in with the arrow keys
        tabIndex={0}
        role="application"
        aria-label={`Attention, ${length} by ${length} squares. The arrow keys move from square to square.`}
        aria-describedby="readout"
        onKeyDown={press}
      >
        <div class="corner" />
        <div class="columns" aria-hidden="true">
          {labels.map((text, i) => label(text, i, i === cell.column))}
        </div>
        <div class="rows" aria-hidden="true" ref={rows}>
          {labels.map((text, i) => label(text, i, i === cell.row))}
        </div>
        <canvas ref={canvas} onPointerMove={point} onPointerDown={point} />
      </div>
      <div class="legend" aria-hidden="true">
        <span>0 %</span>
        <span>6 %</span>
        <span>25 %</span>
        <span>56 %</span>
        <span>100 %</span>
      </div>
    </>
  );
}

/** Shades go by the square root, so that weak attention shows too; the legend says so. */
function draw(
  canvas: HTMLCanvasElement,
  weights: Float32Array,
  length: number,
  side: number,
  cell: Cell,
  causal: boolean,
): void {
  const scale = devicePixelRatio;
  const size = length * side;
  canvas.width = canvas.height = Math.round(size * scale);
  canvas.style.width = canvas.style.height = `${size}px`;
  const context = canvas.getContext('2d')!;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const stops = ['--heat-low', '--heat-middle', '--heat-high'].map((name) =>
    style.getPropertyValue(name).trim().split(/\s+/).map(Number),
  );
  const gap = side > 20 ? 2 : 1;
  for (let i = 0; i < weights.length; i++) {
    const [row, column] = [Math.floor(i / length), i % length];
    if (column > reach(row, length, causal)) continue;
    context.fillStyle = shade(stops, Math.sqrt(weights[i]!));
    context.fillRect(column * side, row * side, side - gap, side - gap);
  }
  // Two outlines, one of which stands out from any shade.
  for (const [colour, inset] of [
    [style.color, 1],
    [style.backgroundColor, 3],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    const inner = side - gap - 2 * inset;
    context.strokeRect(cell.column * side + inset, cell.row * side + inset, inner, inner);
  }
}

/** A colour between evenly spaced stops, each [red, green, blue]. */
function shade(stops: number[][], part: number): string {
  const place = Math.min(part, 1) * (stops.length - 1);
  const below = Math.min(Math.floor(place), stops.length - 2);
  const mixed = stops[below]!.map(
    (from, i) => from + (stops[below + 1]![i]! - from) * (place - below),
  );
  return `rgb(${mixed.map(Math.round).join(' ')})`;
}

/** The last column of a row. */
function reach(row: number, length: number, causal: boolean): number {
  return causal ? row : length - 1;
}

/** The cell that a key leads to. */
function step(
  key: string,
  { row, column }: Cell,
  length: number,
  causal: boolean,
): Cell | undefined {
  const last = reach(row, length, causal);
  const above = Math.max(row - 1, 0);
  switch (key) {
    case 'ArrowUp':
      return { row: above, column: Math.min(column, reach(above, length, causal)) };
    case 'ArrowDown':
      return { row: Math.min(row + 1, length - 1), column };
    case 'ArrowLeft':
      return { row, column: Math.max(column - 1, 0) };
    case 'ArrowRight':
      return { row, column: Math.min(column + 1, last) };
    case 'Home':
      return { row, column: 0 };
    case 'End':
      return { row, column: last };
    default:
      return undefined;
  }
}

/** Scrolls so that the cell is seen beside the labels. */
function reveal(frame: HTMLElement, labels: number, { row, column }: Cell, side: number): void {
  const [x, y] = [column * side, row * side];
  const seenWidth = frame.clientWidth - labels;
  const top = frame.scrollHeight - frame.querySelector('canvas')!.offsetHeight;
  const seenHeight = frame.clientHeight - top;
  const fit = (at: number, from: number, seen: number) =>
    Math.max(Math.min(from, at), at + side - seen);
  frame.scrollTo({
    left: fit(x, frame.scrollLeft, seenWidth),
    top: fit(y, frame.scrollTop, seenHeight),
  });
}
