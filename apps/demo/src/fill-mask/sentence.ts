import type { Token } from './protocol.js';

/** What stands in a text for a word to guess. */
export const MASK = '[MASK]';

/** The blanks however they were typed, spelled as the model knows them. */
export function normalizeBlanks(text: string): string {
  return text.replace(/\[mask\]/gi, MASK);
}

/** The text with a token in its `index`th blank; an ending ("##ing") joins the word before it. */
export function fillBlank(text: string, index: number, token: string): string {
  let seen = 0;
  const ending = token.startsWith('##');
  const word = ending ? token.slice(2) : token;
  const blank = ending ? /\s*\[MASK\]/g : /\[MASK\]/g;
  return text.replace(blank, (found) => (seen++ === index ? word : found));
}

/** The text with the whole word that the token is part of made a blank. */
export function blankOut(text: string, tokens: Token[], index: number): string {
  const { word } = tokens[index]!;
  const parts = tokens.filter((token) => token.word !== null && token.word === word);
  const [first, last] = [parts[0], parts.at(-1)];
  return first && last ? text.slice(0, first.start) + MASK + text.slice(last.end) : text;
}

/** The token as people read it: an ending is shown with the dash it hangs on. */
export function readable(token: string): string {
  return token.startsWith('##') ? `-${token.slice(2)}` : token;
}
