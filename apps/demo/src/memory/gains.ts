import { SEGMENT, type Token } from './protocol.js';

/** A token that memory changed. */
export interface Change {
  index: number;
  /** Bits without memory and with it. */
  without: number;
  with: number;
  why: Why;
}

type Why =
  /** The same token stood so many tokens before, where only memory reaches. */
  | { reason: 'came-back'; distance: number }
  /** Without memory it had only so many tokens to go by. */
  | { reason: 'few-before'; count: number }
  | { reason: 'other' };

/** With no more than these before it in its segment, a token is foretold from hardly anything. */
const FEW = 4;

/**
 * How many tokens of the text are seen when this one is foretold, counting only whole tokens of the text:
 * those of its segment, and with memory those that are remembered.
 */
export function seenBy(index: number, memory: number): number {
  // A segment begins with the token before the first one it foretells; the first with the text's beginning.
  const own = index < SEGMENT ? index : (index % SEGMENT) + 1;
  return Math.min(index, own + memory);
}

/** What a text costs without memory and with it, and how long that is. */
interface Both {
  /** Bits of each token. */
  without: Float32Array;
  withMemory: Float32Array;
  memory: number;
}

/** What memory did to one token. */
export function changeOf(
  tokens: readonly Token[],
  { index, without, withMemory, memory }: Both & { index: number },
): Change {
  const why = whyOf(tokens, index, memory);
  return { index, without: without[index]!, with: withMemory[index]!, why };
}

/** What memory did to a text. */
export interface Changes {
  /** The tokens that it helped and those that it harmed, each the greatest change first. */
  helped: readonly Change[];
  harmed: readonly Change[];
}

export function changes(tokens: readonly Token[], both: Both): Changes {
  const all = tokens
    .map((_, index) => ({ index, gain: both.without[index]! - both.withMemory[index]! }))
    .filter(({ gain }) => Math.abs(gain) >= LEAST)
    .sort((a, b) => b.gain - a.gain);
  const told = (some: typeof all) => some.map(({ index }) => changeOf(tokens, { ...both, index }));
  return {
    helped: told(all.filter(({ gain }) => gain > 0)),
    harmed: told(all.filter(({ gain }) => gain < 0).reverse()),
  };
}

/** Changes of less than so many bits are not worth telling. */
const LEAST = 0.5;

function whyOf(tokens: readonly Token[], index: number, memory: number): Why {
  const own = seenBy(index, 0);
  const { id, name, unknown } = tokens[index]!;
  const before = tokens.slice(0, index).findLastIndex((token) => token.id === id);
  const distance = index - before;
  const reached =
    before >= 0 && distance > Math.max(own, SEGMENT) && distance <= seenBy(index, memory);
  // Signs come back everywhere, and by no one's memory.
  if (reached && !unknown && /[\p{L}\p{N}]/u.test(name)) return { reason: 'came-back', distance };
  return own <= FEW ? { reason: 'few-before', count: own } : { reason: 'other' };
}

/** The greatest changes, by what they show: as many as one likes to read. */
export function greatest({ helped, harmed }: Changes) {
  const isBack = ({ why }: Change) => why.reason === 'came-back';
  return {
    cameBack: helped.filter(isBack).slice(0, 6),
    others: helped.filter((change) => !isBack(change)).slice(0, 4),
    harmed: harmed.slice(0, 4),
  };
}

/** Of the bits of all tokens: e to the mean loss in nats. */
export function perplexity(bits: Float32Array): number {
  return 2 ** (bits.reduce((sum, one) => sum + one, 0) / bits.length);
}
