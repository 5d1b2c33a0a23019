import { Marked } from '../marked.js';
import { type Change, type Changes, greatest } from './gains.js';
import type { Token } from './protocol.js';
import { reasonOf, tokens as tokensOf } from './wording.js';

interface ChangeListProps {
  tokens: readonly Token[];
  changes: Changes;
  memory: number;
  choose: (index: number) => void;
}

/** What memory did, token by token, the greatest changes first. */
export function ChangeList({ tokens, changes, memory, choose }: ChangeListProps) {
  const { helped, harmed } = changes;
  const { cameBack, others, harmed: misled } = greatest(changes);
  const list = (title: string, some: readonly Change[]) =>
    some.length > 0 && (
      <>
        <h3>{title}</h3>
        <ol class="plain change-list">
          {some.map((change) => (
            <li key={change.index}>
              <Row change={change} tokens={tokens} choose={choose} />
            </li>
          ))}
        </ol>
      </>
    );
  return (
    <section aria-labelledby="changes">
      <h2 id="changes">What memory changed</h2>
      {memory === 0 ? (
        <p>Nothing yet: the slider is at none.</p>
      ) : helped.length + harmed.length === 0 ? (
        <p>Nothing, or hardly: no token by half a bit.</p>
      ) : (
        <>
          <p>
            By half a bit or more, it made {tokensOf(helped.length)} less surprising and{' '}
            {tokensOf(harmed.length)} more.
          </p>
          {list('What came back', cameBack)}
          {list('What else it helped most', others)}
          {list('What it misled most', misled)}
        </>
      )}
    </section>
  );
}

interface RowProps {
  change: Change;
  tokens: readonly Token[];
  choose: (index: number) => void;
}

function Row({ change, tokens, choose }: RowProps) {
  const { text, name } = tokens[change.index]!;
  return (
    <button type="button" class="change" onClick={() => choose(change.index)}>
      <span>
        <small>{before(tokens, change.index)}</small>{' '}
        <b>
          <Marked text={text.trim() || name} />
        </b>
      </span>
      <span class="bits">
        {change.without.toFixed(1)} → {change.with.toFixed(1)} bits
      </span>
      <small>{reasonOf(change)}</small>
    </button>
  );
}

/** The words before one, to know it again by. */
function before(tokens: readonly Token[], index: number): string {
  const some = tokens.slice(Math.max(0, index - 3), index);
  return some
    .map(({ text }) => text)
    .join('')
    .trim();
}
