import type { Choice, Token } from './protocol.js';

/** The tokens up to one, and in its place one of its candidates. */
export function withCandidate(tokens: readonly Token[], at: number, id: number): Token[] {
  const { choice } = tokens[at]!;
  const index = choice!.candidates.findIndex((candidate) => candidate.id === id);
  const { name, probability, chance } = choice!.candidates[index]!;
  const picked: Choice = { ...choice!, probability, chance, rank: index + 1, picked: true };
  return [...tokens.slice(0, at), { id, text: '', name, special: false, choice: picked }];
}
