import type { Failure } from '../failure.js';

/** A failure in words a visitor can act on. */
export function explain({ code, message }: Failure): { title: string; advice: string } {
  switch (code) {
    case 'NO_TOKENIZER_FILES':
      return {
        title: 'No tokenizer is among these files',
        advice:
          'It takes a tokenizer.json, a vocab.txt, or a vocab.json together with its merges.txt.',
      };
    case 'FILE_TOO_LARGE':
      return {
        title: 'This is too large for a tokenizer',
        advice: `A tokenizer's files have a few megabytes at most (${message}).`,
      };
    case 'UNSUPPORTED':
      return {
        title: 'This tokenizer does something that is not supported',
        advice: message,
      };
    case 'BAD_FILE':
      return { title: 'This is not a tokenizer’s file', advice: message };
    case 'NOT_FOUND':
      return {
        title: 'A file is missing',
        advice: `A vocab.json needs its merges.txt: choose both at once. (${message})`,
      };
    case 'UNKNOWN_TOKEN':
      return {
        title: 'This text cannot be written',
        advice: 'The vocabulary lacks one of its characters, and has no token for the unknown.',
      };
    default:
      return {
        title: 'This could not be done',
        advice: 'This should not happen. Reloading the page may help.',
      };
  }
}

/** The same for the tokenizers of the site, which are fetched. */
export function explainLoading({ code }: Failure): { title: string; advice: string } {
  if (code === 'NOT_FOUND' || code === 'WORKER_FAILED') {
    return navigator.onLine
      ? {
          title: 'The tokenizers could not be fetched',
          advice: 'The connection broke, or something between here and the server blocks it.',
        }
      : {
          title: 'You are offline',
          advice: 'Connect once, and this page will work offline from then on.',
        };
  }
  return {
    title: 'The tokenizers arrived damaged',
    advice:
      'The server may have answered with something else, such as a login page, or the connection ' +
      'broke in between: try again.',
  };
}
