import { beforeAll, expect, test } from '@jest/globals';
// @ts-expect-error: the tooling is plain JavaScript
import { readCorpus, toText } from '../corpus.mjs';

interface Document {
  source: string;
  id: string;
  lines: string[];
  heldOut: boolean;
}

let corpus: Document[] = [];
let text = '';
beforeAll(async () => {
  corpus = await readCorpus();
  text = toText(corpus);
});

test('every document of the three sources is there, and none is empty', () => {
  const counts = { sotu: 0, 'moby-dick': 0, brown: 0 } as Record<string, number>;
  for (const { source } of corpus) counts[source]!++;
  expect(counts).toEqual({ sotu: 233, 'moby-dick': 138, brown: 500 });
  expect(corpus.filter(({ lines }) => lines.length === 0)).toEqual([]);
  expect(text.split(/\n{2,}/)).toHaveLength(corpus.length);
});

test('about three documents in a hundred are held out, the same ones each time', () => {
  const heldOut = corpus.filter((document) => document.heldOut).map(({ id }) => id);
  expect(heldOut).toHaveLength(27);
  expect(heldOut.slice(0, 3)).toEqual([
    '1809 James Madison',
    '1825 John Quincy Adams',
    '1855 Franklin Pierce',
  ]);
});

test.each([
  ['stage directions', /.{0,20}[[(](applause|laughter)/gi],
  ['odd spaces', /.{0,20}( {2}|\t|\r| \n|\n ).{0,20}/g],
])('no %s are left', (_, pattern) => {
  expect(text.match(pattern)).toBeNull();
});

test.each([
  ['tags', /\S+\/(nn|vb|at|in|jj)[-$*\s].{0,20}/g],
  ['typewriter quotes and dashes', /.{0,20}(``|''|--|\*\*).{0,20}/g],
  ['spaces before commas', /.{0,20}[a-z] [,;] [a-z].{0,20}/g],
])('no %s of Brown are left', (_, pattern) => {
  const brown = toText(corpus.filter(({ source }) => source === 'brown'));
  expect(brown.match(pattern)).toBeNull();
});

test('Brown reads as it stood in print', () => {
  const [first] = corpus.filter(({ source }) => source === 'brown');
  expect(first!.lines.slice(0, 1)).toEqual([
    'The Fulton County Grand Jury said Friday an investigation of Atlanta\'s recent primary election produced "no evidence" that any irregularities took place.',
  ]);
  expect(first!.lines).toContain('Merger proposed');
});
