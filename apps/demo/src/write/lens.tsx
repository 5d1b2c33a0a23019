import { Marked } from '../marked.js';
import { percent } from '../percent.js';
import type { Candidate, Token } from './protocol.js';

interface LensProps {
  token: Token | undefined;
  /** Whether it is the one just written, since none was chosen. */
  newest: boolean;
  /** Puts a candidate in its place, and writes on from there. */
  pick: (id: number) => void;
}

/** One token, and what else could have stood in its place. */
export function Lens({ token, newest, pick }: LensProps) {
  const choice = token?.choice;
  return (
    <section class="lens" id="lens" aria-label="Alternatives">
      <header>
        {token ? (
          <>
            <b class="spelled">
              <Marked text={token.name} />
            </b>
            <small>{newest ? 'the newest token' : `id ${token.id}`}</small>
          </>
        ) : (
          <small>Point at a token, tap it, or go through them with the arrow keys.</small>
        )}
      </header>
      {token && !choice && <p>It was given: the model has only read it.</p>}
      {choice && (
        <>
          <p aria-live={newest ? 'off' : 'polite'}>
            {choice.picked
              ? 'Chosen by you'
              : choice.rank === 1
                ? 'The most probable'
                : `The ${ordinal(choice.rank)} most probable`}
            , {percent(choice.probability)}
            <span class="visually-hidden">. Or else {alternatives(token)}.</span>
          </p>
          <p class="candidate heads" aria-hidden="true">
            <span>Or else</span>
            <span />
            <span>model</span>
            <span>drawn</span>
          </p>
          <ol class="plain">
            {choice.candidates.map((candidate) => (
              <li key={candidate.id}>
                <button
                  type="button"
                  class={classOf(candidate, candidate.id === token.id)}
                  data-id={candidate.id}
                  aria-current={candidate.id === token.id ? 'true' : undefined}
                  title="Put it there, and write on from it"
                  onClick={() => pick(candidate.id)}
                >
                  <Row {...candidate} />
                </button>
              </li>
            ))}
            {!choice.candidates.some(({ id }) => id === token.id) && (
              <li class="candidate chosen">
                <Row name={token.name} {...choice} />
              </li>
            )}
          </ol>
        </>
      )}
    </section>
  );
}

function alternatives({ id, choice }: Token): string {
  const others = choice!.candidates.filter((candidate) => candidate.id !== id);
  const told = others.slice(0, 3);
  return told.map(({ name, probability }) => `“${name}” ${percent(probability)}`).join(', ');
}

function classOf({ chance }: Candidate, chosen: boolean): string {
  return `candidate${chosen ? ' chosen' : ''}${chance === 0 ? ' out' : ''}`;
}

function Row({ name, probability, chance }: Pick<Candidate, 'name' | 'probability' | 'chance'>) {
  return (
    <>
      <span class="word">
        <Marked text={name} />
      </span>
      <span class="bar" style={{ '--part': probability, '--drawn': chance }} />
      <span class="percent">{percent(probability)}</span>
      <span class="percent">
        {chance === 0 ? '–' : percent(chance)}
        <span class="visually-hidden">{chance === 0 ? ' left out' : ' when drawn'}</span>
      </span>
    </>
  );
}

function ordinal(rank: number): string {
  const ending =
    { one: 'st', two: 'nd', few: 'rd', other: 'th', zero: 'th', many: 'th' }[
      new Intl.PluralRules('en', { type: 'ordinal' }).select(rank)
    ] ?? 'th';
  return `${rank.toLocaleString('en')}${ending}`;
}
