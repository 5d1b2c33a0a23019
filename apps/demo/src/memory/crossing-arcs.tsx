import { percent } from '../percent.js';
import type { Seen } from './crossing.js';

interface CrossingArcsProps {
  /** What is looked at, in the order of the text: beyond the border, and on this side of it. */
  memory: readonly Seen[];
  segment: readonly Seen[];
  /** The greatest weight, which has the strongest arc. */
  most: number;
  /** How much goes over the border. */
  share: number;
}

const WIDTH = 1000;
const HEIGHT = 100;
/** Arcs fainter than this cannot be seen. */
const LEAST = 0.05;

/** An arc from where the model stands to each token that it looks at, and the border that they cross. */
export function CrossingArcs({ memory, segment, most, share }: CrossingArcsProps) {
  const seen = [...memory, ...segment];
  const at = (place: number) => ((place + 0.5) / seen.length) * WIDTH;
  const from = at(seen.length - 1);
  const border = (memory.length / seen.length) * WIDTH;
  const arc = (to: number) => {
    const width = from - to;
    // The near ones would else lie flat on the line.
    const height = Math.sqrt(width / WIDTH) * (HEIGHT - 4);
    return `M ${from} ${HEIGHT} A ${width / 2} ${height} 0 0 0 ${to} ${HEIGHT}`;
  };
  return (
    <figure class="arcs">
      {/* Stretched to the width there is; lines and points keep their size. */}
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${percent(share)} of the attention crosses the border of the segment.`}
      >
        {memory.length > 0 && (
          <line class="arcs-border" x1={border} x2={border} y1="0" y2={HEIGHT} />
        )}
        {seen.map(({ index, weight }, place) => {
          // By the root, as the text has its colours, so that many small ones are seen as well.
          const part = Math.sqrt(weight / most);
          if (part < LEAST) return null;
          const style = { strokeOpacity: part, strokeWidth: `${1 + 3 * part ** 2}px` };
          const side = place < memory.length ? 'across' : undefined;
          // It looks at the token where it stands, too.
          const d = place < seen.length - 1 ? arc(at(place)) : `M ${from} ${HEIGHT} v -12`;
          return <path key={index} class={side} d={d} style={style} />;
        })}
      </svg>
      <figcaption>
        <span>{memory.length > 0 ? `← ${memory.length} remembered` : 'Nothing is remembered'}</span>
        <span>{segment.length} of its own segment</span>
      </figcaption>
    </figure>
  );
}
